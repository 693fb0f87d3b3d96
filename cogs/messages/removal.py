"""Deleting a job with every message that shows it."""

import asyncio
import contextlib
from typing import Protocol
from weakref import WeakValueDictionary

import discord

from cogs.context import Interaction
from engine import Job, Studio


class CellMessages(Protocol):
    """Redraws the messages of grids. The grids feature provides it."""

    async def redraw(self, job: Job) -> None:
        """Redraw the grid of which `job` is a cell. Raises `UnknownJob` when the grid is gone."""

    async def redraw_without(self, job: Job) -> None:
        """Redraw the grid of which `job` was a cell; delete its message after the last one."""


class JobRemoval:
    """Deletes jobs, including their copies in the gallery."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def lock(self, job_id: int) -> asyncio.Lock:
        """The lock to hold while reading or storing where a job is shown."""
        return self._locks.setdefault(job_id, asyncio.Lock())

    async def delete(
        self, interaction: Interaction, job_id: int, *, by: str | None, keep_grid: bool = True
    ) -> None:
        """Delete a job, its pictures and its copies in the gallery.

        Args:
            interaction: The interaction that asked for it.
            job_id: The job.
            by: The user who may delete only their own jobs; `None` for a moderator.
            keep_grid: Whether to redraw the grid of which it is a cell, if there is one.

        Raises:
            UnknownJob: When the job is gone.
            NotYours: When the job is another user's.
        """
        job = await self._studio.job(job_id)
        async with self.lock(job_id):
            shown = await self._studio.favourites.gallery_posts(job_id)
            await self._studio.delete(job_id, by)
        if job.cell is not None and keep_grid:
            await interaction.client.services[CellMessages].redraw_without(job)
        for channel_id, message_id in shown:
            if message_id is not None:
                channel = interaction.client.get_partial_messageable(channel_id)
                await try_delete(channel.get_partial_message(message_id))


async def try_delete(message: discord.Message | discord.PartialMessage) -> None:
    """Delete a message, ignoring failures."""
    with contextlib.suppress(discord.HTTPException):
        await message.delete()


async def remove_orphan(interaction: Interaction) -> bool:
    """Remove the clicked message, whose job is gone, if the user had requested it."""
    origin = interaction.message.interaction_metadata if interaction.message else None
    if origin is None or origin.user.id != interaction.user.id:
        return False
    await interaction.response.defer()
    with contextlib.suppress(discord.NotFound):  # already deleted
        await interaction.delete_original_response()
    return True
