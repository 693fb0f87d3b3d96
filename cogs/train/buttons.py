"""Buttons of a training's message. They carry its number, so they outlive restarts."""

import re
from typing import Any, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.messages.dynamic_items import ActionRegistry, Persistent
from speech import phrase, say

PRIMARY, SECONDARY, SUCCESS, DANGER = (
    discord.ButtonStyle.primary,
    discord.ButtonStyle.secondary,
    discord.ButtonStyle.success,
    discord.ButtonStyle.danger,
)


class TrainingActions(ActionRegistry[int]):
    """The handlers of a training's buttons, which take its number."""


BUTTONS: dict[str, tuple[str, str, discord.ButtonStyle]] = {
    "add": (phrase("Add pictures"), "🖼️", PRIMARY),
    "thread": (phrase("Post in a thread"), "🧵", SECONDARY),
    "view": (phrase("Pictures and captions"), "📝", SECONDARY),
    "propose": (phrase("Propose captions"), "💬", SECONDARY),
    "agree": (phrase("The person agreed, or it's no person"), "⬜", SECONDARY),
    "agreed": (phrase("The person agreed, or it's no person"), "✅", SECONDARY),
    "start": (phrase("Start"), "▶️", SUCCESS),
    "pause": (phrase("Pause"), "⏸️", SECONDARY),
    "resume": (phrase("Resume"), "▶️", PRIMARY),
    "keep": (phrase("Keep this checkpoint"), "💾", SECONDARY),
    "finish": (phrase("Stop and keep"), "⏹️", SECONDARY),
    "cancel": (phrase("Cancel"), "✖️", SECONDARY),
    "here": (phrase("Show here"), "🔄", SECONDARY),
    "paint": (phrase("Paint with it"), "🖌️", PRIMARY),
    "share": (phrase("Share with the server"), "📣", SECONDARY),
    "remove": (phrase("Remove"), "🗑️", SECONDARY),
    "cancelnow": (phrase("Give it up"), "✖️", DANGER),
    "removenow": (phrase("Remove"), "🗑️", DANGER),
    "leave": (phrase("Leave it as it is"), "↩️", SECONDARY),
}
"""Label, emoji and style by verb. The verbs must stay: old messages hold them."""


class TrainingButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-train:(?P<verb>[a-z]+):(?P<training_id>\d{1,18})",
):
    """A button that applies `verb` to a training."""

    def __init__(self, verb: str, training_id: int, *, disabled: bool = False) -> None:
        label, emoji, style = BUTTONS[verb]
        super().__init__(
            ui.Button(
                label=say(label),
                emoji=emoji,
                style=style,
                custom_id=f"atelier-train:{verb}:{training_id}",
                disabled=disabled,
            )
        )
        self._verb, self._training_id = verb, training_id

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["verb"], int(match["training_id"]))

    async def act(self, interaction: Interaction) -> None:
        """Apply the verb; its handler checks that the user may."""
        actions = interaction.client.services[TrainingActions]
        await actions.run(self._verb, interaction, self._training_id)
