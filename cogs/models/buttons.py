"""Buttons about models. Their ids say which model or download, so they outlive restarts."""

import re
from typing import Any, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.messages.dynamic_items import ActionRegistry, Persistent
from cogs.policy.access import require_owner
from speech import phrase, say


class ModelActions(ActionRegistry[str]):
    """What the buttons about models do, given the number of a pending one or a name."""


BUTTONS: dict[str, tuple[str, str, discord.ButtonStyle]] = {
    "download": (phrase("Download"), "⬇️", discord.ButtonStyle.primary),
    "add": (phrase("Add"), "➕", discord.ButtonStyle.primary),
    "resume": (phrase("Resume"), "▶️", discord.ButtonStyle.primary),
    "stop": (phrase("Stop"), "⏹️", discord.ButtonStyle.secondary),
    "dismiss": (phrase("Cancel"), "✖️", discord.ButtonStyle.secondary),
    "remove": (phrase("Remove"), "🗑️", discord.ButtonStyle.danger),
    "keep": (phrase("Keep"), "✖️", discord.ButtonStyle.secondary),
}
"""Label, emoji and style by verb."""


class ModelButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-model:(?P<verb>[a-z]+):(?P<what>[\w.-]{1,50})",
):
    """A button that does `verb` to an order, by its number, or to a model, by its name."""

    def __init__(self, verb: str, what: str) -> None:
        label, emoji, style = BUTTONS[verb]
        identity = f"atelier-model:{verb}:{what}"
        super().__init__(ui.Button(label=say(label), emoji=emoji, style=style, custom_id=identity))
        self._verb, self._what = verb, what

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button that was clicked, rebuilt from its id alone."""
        return cls(match["verb"], match["what"])

    async def act(self, interaction: Interaction) -> None:
        """Do it, for the bot's owner."""
        require_owner(interaction)
        await interaction.client.services[ModelActions].run(self._verb, interaction, self._what)
