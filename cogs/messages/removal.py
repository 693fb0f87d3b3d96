"""Deleting a job wherever it is shown."""

import asyncio
import contextlib
from typing import Protocol
from weakref import WeakValueDictionary

import discord

from cogs.context import Interaction
from engine import Job, Studio


class CellMessages(Protocol):
    """What keeps the messages of grids up to date; the feature for grids offers it."""

    async def redraw(self, job: Job) -> None:
        """Have the grid redrawn whose cell `job` is. Raises `UnknownJob` when it is gone."""

    async def without(self, job: Job) -> None:
        """Have the grid redrawn whose cell `job` was; without its last cell, it goes."""


class JobRemoval:
    """Deletes jobs with their copies in the gallery."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def lock(self, job_id: int) -> asyncio.Lock:
        """Held while the places where a job is shown are looked up or written down."""
        return self._locks.setdefault(job_id, asyncio.Lock())

    async def delete(
        self, interaction: Interaction, job_id: int, *, by: str | None, keep_grid: bool = True
    ) -> None:
        """Delete a job and its pictures, here and in the gallery; arguments as `Studio.delete`.

        `keep_grid` says whether the grid that it is a cell of, if any, stays without it.
        """
        job = await self._studio.job(job_id)
        async with self.lock(job_id):
            shown = await self._studio.favourites.shown(job_id)
            await self._studio.delete(job_id, by)
        if job.cell is not None and keep_grid:
            await interaction.client.services[CellMessages].without(job)
        for channel_id, message_id in shown:
            if message_id is not None:
                channel = interaction.client.get_partial_messageable(channel_id)
                await take_down(channel.get_partial_message(message_id))


async def take_down(message: discord.Message | discord.PartialMessage) -> None:
    """Delete a message, if it still can be."""
    with contextlib.suppress(discord.HTTPException):
        await message.delete()


async def remove_orphan(interaction: Interaction) -> bool:
    """Remove the message of something that is gone, if the person who clicked asked for it."""
    asked = interaction.message.interaction_metadata if interaction.message else None
    if asked is None or asked.user.id != interaction.user.id:
        return False
    await interaction.response.defer()
    with contextlib.suppress(discord.NotFound):  # somebody was quicker
        await interaction.delete_original_response()
    return True
