"""The bot's presence: which model paints, and how many wait."""

import asyncio
import logging

import aiohttp
import discord
from discord.ext import commands

from cogs.context import Client
from engine import Status, Tasks

log = logging.getLogger(__name__)

EVERY = 20.0
"""Seconds between two looks: in that time Discord takes five changes from each shard."""

FAILURES = (discord.DiscordException, aiohttp.ClientError, OSError)
"""What passes: the gateway is about to reconnect."""


class Presence(commands.Cog):
    """Keeps the presence true, changing it only when it says something else."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        self._shown: str | None = None
        self._away: set[int] = set()
        self._tasks = Tasks()

    async def cog_load(self) -> None:
        """Begin to look."""
        self._tasks.start(self._follow(), "presence")

    async def cog_unload(self) -> None:
        """Stop looking."""
        await self._tasks.cancel()

    @commands.Cog.listener()
    async def on_shard_disconnect(self, shard: int) -> None:
        """Be silent until it is back: to whom Discord does not know yet, nothing may be told."""
        self._away.add(shard)

    @commands.Cog.listener()
    async def on_shard_resumed(self, shard: int) -> None:
        """The session goes on, and remembers."""
        self._away.discard(shard)

    @commands.Cog.listener()
    async def on_shard_ready(self, shard: int) -> None:
        """A new session of a shard knows no presence: tell it again."""
        self._away.discard(shard)
        self._shown = None

    async def _follow(self) -> None:
        await self._bot.wait_until_ready()
        while True:
            studio = self._bot.studio
            text = presence_of(studio.status(), studio.models.default.name)
            if text != self._shown and not self._away:
                try:
                    await self._bot.change_presence(activity=discord.CustomActivity(text))
                    self._shown = text
                except FAILURES as error:
                    log.debug("The presence is not shown: %s", error)
            await asyncio.sleep(EVERY)


def presence_of(status: Status, idle: str) -> str:
    """What the presence says; `idle` names the model that stands there while nobody paints."""
    model = status.model or idle
    if not status.running and not status.waiting:
        return f"{model} · nobody waits"
    return f"{model} · painting {status.running}, {status.waiting} waiting"
