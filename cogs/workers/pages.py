"""The workers' pages, which stay up to date until their interactions' tokens expire."""

import asyncio
import time

import discord

from cogs.context import Client, Interaction
from cogs.message_ref import TOKEN_LIFETIME
from cogs.policy.access import require_owner
from cogs.workers.buttons import Target, WorkerActions
from cogs.workers.card import WorkersCard
from engine import StorageError, Tasks
from speech import phrase, say

OWNER_ONLY = phrase("Only the bot's owner can see and pause what paints.")

INTERVAL = 5.0
"""Seconds between two looks at what has changed."""

LIVE = TOKEN_LIFETIME - 30.0
"""Seconds for which a page is kept up to date."""


class WorkerPages:
    """Shows workers, and keeps each person's newest page up to date."""

    def __init__(self, bot: Client) -> None:
        self._workers = bot.studio.workers
        self._tasks = Tasks()
        self._live: dict[int, asyncio.Task[None]] = {}
        bot.services.add(WorkerActions, WorkerActions()).add(
            pause=self.pause, resume=self.resume, back=self.turn, look=self.turn, on=self.turn
        )

    async def show(self, interaction: Interaction) -> None:
        """Answer a command with the first page."""
        require_owner(interaction, say(OWNER_ONLY))
        card = WorkersCard.of(await self._workers.all(), 0)
        until = time.time() + LIVE
        await interaction.response.send_message(
            view=card.view(until), ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
        )
        self._follow(interaction, card, until)

    async def turn(self, interaction: Interaction, target: Target) -> None:
        """Show that page as it is now."""
        require_owner(interaction, say(OWNER_ONLY))
        card = WorkersCard.of(await self._workers.all(), target.page)
        until = time.time() + LIVE
        await interaction.response.edit_message(
            view=card.view(until), allowed_mentions=discord.AllowedMentions.none()
        )
        self._follow(interaction, card, until)

    async def pause(self, interaction: Interaction, target: Target) -> None:
        """Give the worker no more jobs until it's resumed, also after a restart."""
        require_owner(interaction, say(OWNER_ONLY))
        await self._workers.pause(target.worker)
        await self.turn(interaction, target)

    async def resume(self, interaction: Interaction, target: Target) -> None:
        """Give the worker jobs again."""
        require_owner(interaction, say(OWNER_ONLY))
        await self._workers.resume(target.worker)
        await self.turn(interaction, target)

    async def close(self) -> None:
        """Keep no page up to date any more."""
        await self._tasks.cancel()

    def _follow(self, interaction: Interaction, card: WorkersCard, until: float) -> None:
        if interaction.client.leaving:
            return
        if (before := self._live.get(interaction.user.id)) is not None:
            before.cancel()
        work = self._keep_current(interaction, card, until)
        self._live[interaction.user.id] = self._tasks.start(work, "keep a page of workers current")

    async def _keep_current(
        self, interaction: Interaction, card: WorkersCard, until: float
    ) -> None:
        while time.time() < until:
            await asyncio.sleep(INTERVAL)
            try:
                now = WorkersCard.of(await self._workers.all(), card.page)
                if now != card:
                    await interaction.edit_original_response(
                        view=now.view(until), allowed_mentions=discord.AllowedMentions.none()
                    )
            except (discord.NotFound, discord.Forbidden):  # it was dismissed
                return
            except (discord.HTTPException, OSError, StorageError):  # the next look may do better
                continue
            card = now
