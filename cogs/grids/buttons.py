"""Everything clickable on a sheet's message. It carries the sheet's id, so it outlives restarts."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from cogs.message_ref import MessageRef
from cogs.messages.buttons import cleared_away
from cogs.messages.cards import result_card, withheld_card
from cogs.messages.encodings import Upload, encodings
from cogs.messages.replies import reply
from cogs.policy.access import acting_as, may_release
from cogs.policy.audit import record
from cogs.policy.nsfw import exposure_to_user
from cogs.policy.visibility import accessible_job
from cogs.requests.capabilities import model_can_inpaint
from engine import InvalidRequest, Job, UnknownJob
from speech import phrase, say

if TYPE_CHECKING:
    from cogs.bot import Atelier

Act = Callable[["discord.Interaction[Atelier]", int], Awaitable[None]]

GONE = phrase("This picture is gone. It was deleted, or removed to free up space.")


class GridButton(
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-sheet:(?P<verb>here|cancel|delete):(?P<sheet_id>\d{1,18})",
):
    """A button that does `verb` to a sheet."""

    def __init__(self, verb: str, grid_id: int) -> None:
        label, emoji, self._act = VERBS[verb]
        identity = f"atelier-sheet:{verb}:{grid_id}"
        super().__init__(ui.Button(label=say(label), emoji=emoji, custom_id=identity))
        self._grid_id = grid_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was clicked, rebuilt from its id alone."""
        return cls(match["verb"], int(match["sheet_id"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do it, under the same policy and error handling as a command."""
        await interaction.client.tree.guard(
            interaction, lambda: self._act(interaction, self._grid_id)
        )


class CellMenu(
    ui.DynamicItem[ui.Select[Any]],
    template=r"atelier-cells:(?P<sheet_id>\d{1,18}):(?P<page>\d)",
):
    """A menu of the pictures of a sheet, each to be shown to whoever picks it."""

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
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The menu that was used, rebuilt from its message."""
        assert isinstance(item, ui.Select)
        return cls(int(match["sheet_id"]), int(match["page"]), item.options)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Show the picture, with everything that can be done with it."""
        cell = int(self.item.values[0])
        await interaction.client.tree.guard(
            interaction, lambda: _show_cell(interaction, self._grid_id, cell)
        )


async def _show_cell(interaction: "discord.Interaction[Atelier]", grid_id: int, cell: int) -> None:
    """Show a picture of the sheet to whoever interacts alone, with its buttons."""
    studio = interaction.client.studio
    found = (await studio.grids.cells(grid_id)).get(cell)
    if found is None:
        raise UnknownJob(say(GONE))
    job = await accessible_job(interaction, found.id)
    await interaction.response.defer(ephemeral=True, thinking=True)
    showing = await exposure_to_user(interaction, job)
    uploads: tuple[Upload, ...] = ()
    if showing.withheld:
        card = withheld_card(job)
    else:
        uploads = await asyncio.to_thread(_pictures, job, interaction.filesize_limit)
        fillable = model_can_inpaint(studio.models, job.recipe.model)
        card = result_card(job, [upload.name for upload in uploads], fillable=fillable)
        card = replace(card, covered=showing.covered)
        if showing.covered and may_release(interaction, job):
            card = replace(card, buttons=(*card.buttons, "release"))
    await interaction.edit_original_response(
        view=card.view(),
        attachments=[upload.file() for upload in uploads],
        allowed_mentions=discord.AllowedMentions.none(),
    )


def _pictures(job: Job, limit: int) -> tuple[Upload, ...]:
    """The picture as good as it fits. Blocks.

    Raises:
        UnknownJob: When its file is gone.
        InvalidRequest: When it does not fit in any form.
    """
    try:
        uploads = next(encodings(job.pictures, limit), ())
    except OSError as error:
        raise UnknownJob(say(GONE)) from error
    if not uploads:
        raise InvalidRequest(say("This picture is too large to show here."))
    return uploads


async def cancel(interaction: "discord.Interaction[Atelier]", grid_id: int) -> None:
    """Call off what is not painted yet; the message says so by itself."""
    await interaction.response.defer()
    message_ref = MessageRef.from_json(
        (await interaction.client.studio.grids.get(grid_id)).message_ref
    )
    if not await cancel_grid(interaction, grid_id):
        await reply(interaction, say("Grid {number} is already done.", number=grid_id))
    elif message_ref.leased and not message_ref.token_lives:
        await reply(interaction, say("Grid {number} was cancelled.", number=grid_id))


async def cancel_grid(interaction: "discord.Interaction[Atelier]", grid_id: int) -> bool:
    """Call off what is not painted yet, if whoever interacts may; whether there was anything."""
    job = await _any_cell(interaction, grid_id)
    grids = interaction.client.studio.grids
    if not await grids.cancel(grid_id, by=acting_as(interaction, job)):
        return False
    if job.owner != str(interaction.user.id):
        owner = f"<@{job.owner}>"
        await record(
            interaction, say("cancelled {owner}'s grid {sheet}", grid=grid_id, owner=owner)
        )
    return True


async def delete(interaction: "discord.Interaction[Atelier]", grid_id: int) -> None:
    """Remove the sheet: its pictures, with wherever else they are shown, and its message."""
    try:
        job = await _any_cell(interaction, grid_id)
    except UnknownJob:
        if not await cleared_away(interaction):
            raise
        return
    await interaction.response.defer()
    by = acting_as(interaction, job)
    studio = interaction.client.studio
    await studio.grids.owned(grid_id, by)
    await studio.grids.cancel(grid_id, by)
    for cell in (await studio.grids.cells(grid_id)).values():
        with contextlib.suppress(UnknownJob):  # somebody was quicker
            await interaction.client.gallery.delete(interaction, cell.id, by=by, alone=False)
    if job.owner != str(interaction.user.id):
        owner = f"<@{job.owner}>"
        await record(interaction, say("deleted {owner}'s grid {sheet}", grid=grid_id, owner=owner))
    with contextlib.suppress(discord.NotFound):
        await interaction.delete_original_response()


async def _any_cell(interaction: "discord.Interaction[Atelier]", grid_id: int) -> Job:
    """A job of the sheet: all of them have its owner and its home.

    Raises:
        UnknownJob: When all of them are gone.
    """
    return next(iter((await interaction.client.studio.grids.cells(grid_id)).values()))


async def here(interaction: "discord.Interaction[Atelier]", grid_id: int) -> None:
    """Go on with a message that could be changed no more: the click brings a new token."""
    await interaction.client.grids.go_on_here(interaction, grid_id)


VERBS: dict[str, tuple[str, str, Act]] = {
    "here": (phrase("Show here"), "🔄", here),
    "cancel": (phrase("Cancel"), "✖️", cancel),
    "delete": (phrase("Delete"), "🗑️", delete),
}
