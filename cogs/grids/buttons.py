"""Buttons and menu of a grid. They carry the grid's number, so they outlive restarts."""

import re
from typing import Any, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.messages.cancellation import any_cell
from cogs.messages.dynamic_items import ActionRegistry, Persistent
from cogs.policy.visibility import is_accessible
from engine import UnknownJob
from speech import phrase, say


class GridActions(ActionRegistry[int]):
    """The handlers of a grid's buttons, which take its number."""


class CellActions(ActionRegistry[tuple[int, int]]):
    """The handlers of the menu of a grid's pictures, which take the grid's and cell's numbers."""


BUTTONS: dict[str, tuple[str, str]] = {
    "here": (phrase("Show here"), "🔄"),
    "cancel": (phrase("Cancel"), "✖️"),
    "delete": (phrase("Delete"), "🗑️"),
}
"""Label and emoji by verb."""


class GridButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-sheet:(?P<verb>here|cancel|delete):(?P<grid_id>\d{1,18})",
):
    """A button that applies `verb` to a grid."""

    def __init__(self, verb: str, grid_id: int) -> None:
        label, emoji = BUTTONS[verb]
        custom_id = f"atelier-sheet:{verb}:{grid_id}"
        super().__init__(ui.Button(label=say(label), emoji=emoji, custom_id=custom_id))
        self._verb, self._grid_id = verb, grid_id

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["verb"], int(match["grid_id"]))

    async def act(self, interaction: Interaction) -> None:
        """Apply the verb to a grid that the user can see."""
        try:
            job = await any_cell(interaction, self._grid_id)
        except UnknownJob:  # its buttons still remove its message
            job = None
        if job is not None and not is_accessible(interaction, job):
            raise UnknownJob(say("Grid {number} doesn't exist.", number=self._grid_id))
        actions = interaction.client.services[GridActions]
        await actions.run(self._verb, interaction, self._grid_id)


class CellMenu(
    Persistent,
    ui.DynamicItem[ui.Select[Any]],
    template=r"atelier-cells:(?P<grid_id>\d{1,18}):(?P<page>\d)",
):
    """Open one of the grid's pictures with its buttons."""

    def __init__(self, grid_id: int, page: int, options: list[discord.SelectOption]) -> None:
        super().__init__(
            ui.Select(
                custom_id=f"atelier-cells:{grid_id}:{page}",
                placeholder=say("Open one of the pictures…"),
                options=options,
            )
        )
        self._grid_id, self._page = grid_id, page

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The menu from its custom ID and the options in its message."""
        assert isinstance(item, ui.Select)
        return cls(int(match["grid_id"]), int(match["page"]), item.options)

    async def act(self, interaction: Interaction) -> None:
        """Show the picture that was picked, with its buttons."""
        cell = int(self.item.values[0])
        actions = interaction.client.services[CellActions]
        await actions.run("show", interaction, (self._grid_id, cell))
