"""Buttons about models and LoRAs. Their ids say which one or download: they outlive restarts."""

import re
from typing import Any, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.messages.dynamic_items import ActionRegistry, Persistent
from cogs.policy.access import require_owner
from speech import phrase, say


class ModelActions(ActionRegistry[str]):
    """The handlers of buttons about models, which take a pending model's number or a name."""


BUTTONS: dict[str, tuple[str, str, discord.ButtonStyle]] = {
    "download": (phrase("Download"), "⬇️", discord.ButtonStyle.primary),
    "add": (phrase("Add"), "➕", discord.ButtonStyle.primary),
    "resume": (phrase("Resume"), "▶️", discord.ButtonStyle.primary),
    "stop": (phrase("Stop"), "⏹️", discord.ButtonStyle.secondary),
    "dismiss": (phrase("Cancel"), "✖️", discord.ButtonStyle.secondary),
    "remove": (phrase("Remove"), "🗑️", discord.ButtonStyle.danger),
    "keep": (phrase("Keep"), "✖️", discord.ButtonStyle.secondary),
    "removelora": (phrase("Remove"), "🗑️", discord.ButtonStyle.danger),
}
"""Label, emoji and style by verb."""


class ModelButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-model:(?P<verb>[a-z]+):(?P<target>[\w.-]{1,50})",
):
    """A button that applies `verb` to a pending model by number, or to a model or LoRA by name."""

    def __init__(self, verb: str, target: str) -> None:
        label, emoji, style = BUTTONS[verb]
        custom_id = f"atelier-model:{verb}:{target}"
        super().__init__(ui.Button(label=say(label), emoji=emoji, style=style, custom_id=custom_id))
        self._verb, self._target = verb, target

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["verb"], match["target"])

    async def act(self, interaction: Interaction) -> None:
        """Apply the verb; only the bot's owner may."""
        require_owner(interaction)
        await interaction.client.services[ModelActions].run(self._verb, interaction, self._target)
