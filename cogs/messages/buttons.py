"""Buttons on a job's message. They carry the job's number, so they outlive restarts."""

import re
from typing import Any, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.messages.dynamic_items import ActionRegistry, Persistent
from cogs.messages.removal import remove_orphan
from cogs.policy.visibility import accessible_job
from engine import UnknownJob
from speech import phrase, say


class JobActions(ActionRegistry[int]):
    """The handlers of a job's buttons, which take its number."""


BUTTONS: dict[str, tuple[str | None, str, discord.ButtonStyle]] = {
    "properly": (phrase("Paint it properly"), "🖌️", discord.ButtonStyle.primary),
    "again": (phrase("Again"), "🔁", discord.ButtonStyle.primary),
    "map": (phrase("Show map"), "🗺️", discord.ButtonStyle.secondary),
    "here": (phrase("Show here"), "🔄", discord.ButtonStyle.secondary),
    "cancel": (phrase("Cancel"), "✖️", discord.ButtonStyle.secondary),
    "star": (None, "⭐", discord.ButtonStyle.secondary),
    "release": (phrase("Release"), "🔓", discord.ButtonStyle.secondary),
    "delete": (phrase("Delete"), "🗑️", discord.ButtonStyle.secondary),
}
"""Label, emoji and style by verb. The verbs must stay: old messages hold them, `map` only those."""


class JobButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier:(?P<verb>[a-z]+):(?P<job_id>\d{1,19})",
):
    """A button that applies `verb` to a job."""

    def __init__(self, verb: str, job_id: int) -> None:
        label, emoji, style = BUTTONS[verb]
        super().__init__(
            ui.Button(
                label=say(label) if label else None,
                emoji=emoji,
                style=style,
                custom_id=f"atelier:{verb}:{job_id}",
            )
        )
        self._verb, self._job_id = verb, job_id

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["verb"], int(match["job_id"]))

    async def act(self, interaction: Interaction) -> None:
        """Apply the verb to a job that the user can see, or remove a deleted job's message."""
        try:
            await accessible_job(interaction, self._job_id)
        except UnknownJob:
            if self._verb != "delete" or not await remove_orphan(interaction):
                raise
        else:
            actions = interaction.client.services[JobActions]
            await actions.run(self._verb, interaction, self._job_id)
