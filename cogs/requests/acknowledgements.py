"""Acknowledging at once what takes longer: many people ask, or the disk is slow."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import discord

from cogs.context import Interaction
from cogs.policy.privacy import ReplyMode

log = logging.getLogger(__name__)

FEW = 4
"""How many requests at a time are answered with their message alone, which takes 0.01 s each."""

SLOW = 0.5
"""Seconds after which “… is thinking” is shown for these, too; Discord waits for 3."""


class Acknowledgements:
    """Shows “… is thinking” to those who would wait for an answer."""

    def __init__(self) -> None:
        self._unanswered = 0

    @asynccontextmanager
    async def in_time(self, interaction: Interaction, reply_mode: ReplyMode) -> AsyncIterator[None]:
        """Acknowledge the interaction, unless what is done inside is soon done."""
        deferring: asyncio.Task[None] | None = None

        def begin() -> None:
            nonlocal deferring
            deferring = asyncio.create_task(_defer(interaction, reply_mode))

        self._unanswered += 1
        wait = SLOW if self._unanswered <= FEW else 0.0
        timer = asyncio.get_running_loop().call_later(wait, begin)
        try:
            yield
        finally:
            self._unanswered -= 1
            timer.cancel()
            if deferring is not None:
                await deferring


async def _defer(interaction: Interaction, reply_mode: ReplyMode) -> None:
    if interaction.response.is_done():
        return
    try:
        await interaction.response.defer(thinking=True, ephemeral=reply_mode.ephemeral)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.warning("Could not acknowledge %s: %s", interaction.user, error)
