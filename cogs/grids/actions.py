"""What the buttons and the menu of a grid's message do."""

import asyncio
import contextlib
from dataclasses import replace

import discord

from cogs.context import Interaction
from cogs.grids.grid_messages import GridMessages
from cogs.message_ref import MessageRef
from cogs.messages.cancellation import any_cell, cancel_grid
from cogs.messages.cards import result_card, withheld_card
from cogs.messages.encodings import Upload
from cogs.messages.picture_panel import GONE, encoded_picture
from cogs.messages.removal import JobRemoval, remove_orphan
from cogs.messages.replies import reply
from cogs.policy.access import acting_as, may_release
from cogs.policy.audit import record
from cogs.policy.model_capabilities import some_model_edits
from cogs.policy.nsfw import exposure_to_user
from cogs.policy.visibility import accessible_job
from engine import Parent, UnknownJob
from speech import say


async def show_cell(interaction: Interaction, grid_and_cell: tuple[int, int]) -> None:
    """Open one of the grid's pictures with its buttons."""
    grid_id, number = grid_and_cell
    studio = interaction.client.studio
    cell = (await studio.grids.cells(grid_id)).get(number)
    if cell is None:
        raise UnknownJob(say(GONE))
    job = await accessible_job(interaction, cell.id)
    await interaction.response.defer(ephemeral=True, thinking=True)
    exposure = await exposure_to_user(interaction, job)
    uploads: list[Upload] = []
    if exposure.withheld:
        card = withheld_card(job)
    else:
        picture = Parent(job.id, 0)
        uploads = [
            await asyncio.to_thread(encoded_picture, job, picture, interaction.filesize_limit)
        ]
        card = result_card(job, [upload.name for upload in uploads])
        editable = some_model_edits(studio.models)
        card = replace(card, spoilered=exposure.spoilered, editable=editable)
        if exposure.spoilered and may_release(interaction, job):
            card = replace(card, buttons=(*card.buttons, "release"))
    await interaction.edit_original_response(
        view=card.view(),
        attachments=[upload.file() for upload in uploads],
        allowed_mentions=discord.AllowedMentions.none(),
    )


async def cancel(interaction: Interaction, grid_id: int) -> None:
    """Cancel the pictures that aren't painted yet."""
    await interaction.response.defer()
    message_ref = MessageRef.from_json(
        (await interaction.client.studio.grids.get(grid_id)).message_ref
    )
    if not await cancel_grid(interaction, grid_id):
        await reply(interaction, say("Grid {number} is already done.", number=grid_id))
    elif message_ref.token_only and not message_ref.token_valid:
        await reply(interaction, say("Grid {number} was cancelled.", number=grid_id))


async def delete(interaction: Interaction, grid_id: int) -> None:
    """Delete the grid, its pictures and its message."""
    try:
        job = await any_cell(interaction, grid_id)
    except UnknownJob:
        if not await remove_orphan(interaction):
            raise
        return
    await interaction.response.defer()
    by = acting_as(interaction, job)
    studio = interaction.client.studio
    await studio.grids.get_for(grid_id, by)
    await studio.grids.cancel(grid_id, by)
    for cell in (await studio.grids.cells(grid_id)).values():
        with contextlib.suppress(UnknownJob):  # already deleted
            await interaction.client.services[JobRemoval].delete(
                interaction, cell.id, by=by, keep_grid=False
            )
    if job.owner != str(interaction.user.id):
        owner = f"<@{job.owner}>"
        await record(interaction, say("deleted {owner}'s grid {grid}", grid=grid_id, owner=owner))
    with contextlib.suppress(discord.NotFound):
        await interaction.delete_original_response()


async def here(interaction: Interaction, grid_id: int) -> None:
    """Keep updating a message for another 15 minutes."""
    await interaction.client.services[GridMessages].continue_here(interaction, grid_id)
