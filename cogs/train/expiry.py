"""Gives up trainings whose owners have forgotten them, and tells them."""

import asyncio
import logging

from discord.ext import commands

from cogs.context import Client
from cogs.train.threads import TrainingThreads
from cogs.train.training_messages import TrainingMessages
from engine import StorageError, Tasks

LOOK = 3600.0
"""Seconds between two looks."""

log = logging.getLogger(__name__)


class TrainingExpiry(commands.Cog):
    """Looks for trainings to which nothing is added any more."""

    def __init__(self, bot: Client, messages: TrainingMessages, threads: TrainingThreads) -> None:
        """Take the messages and threads of trainings."""
        self._bot = bot
        self._messages = messages
        self._threads = threads
        self._tasks = Tasks()

    async def cog_load(self) -> None:
        """Start looking."""
        self._tasks.start(self._keep_looking(), "give up trainings")

    async def cog_unload(self) -> None:
        """Look no more."""
        await self._tasks.cancel()

    async def _keep_looking(self) -> None:
        await self._bot.wait_until_ready()
        while True:
            try:
                for training in await self._bot.studio.trainings.give_up_idle():
                    self._threads.release(training)
                    await self._messages.refresh(training.id)
            except StorageError as error:
                log.warning("Trainings couldn't be given up: %s", error)
            await asyncio.sleep(LOOK)
