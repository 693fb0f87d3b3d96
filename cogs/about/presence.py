"""The bot's presence: the current model and the queue."""

import asyncio
import logging

import aiohttp
import discord
from discord.ext import commands

from cogs.context import Client
from engine import Status, Tasks

log = logging.getLogger(__name__)

UPDATE_INTERVAL = 20.0
"""Seconds between two updates; Discord allows five in that time from each shard."""

GATEWAY_ERRORS = (discord.DiscordException, aiohttp.ClientError, OSError)
"""Errors that pass: the gateway is about to reconnect."""


class BotPresence(commands.Cog):
    """Keeps the presence up to date, and changes it only when its text changes."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        self._current_text: str | None = None
        self._disconnected: set[int] = set()
        self._tasks = Tasks()

    async def cog_load(self) -> None:
        """Start updating."""
        self._tasks.start(self._run(), "presence")

    async def cog_unload(self) -> None:
        """Stop updating."""
        await self._tasks.cancel()

    @commands.Cog.listener()
    async def on_shard_disconnect(self, shard: int) -> None:
        """Pause until the shard is back: before that, presences can't be sent."""
        self._disconnected.add(shard)

    @commands.Cog.listener()
    async def on_shard_resumed(self, shard: int) -> None:
        """Continue: the session still has the presence."""
        self._disconnected.discard(shard)

    @commands.Cog.listener()
    async def on_shard_ready(self, shard: int) -> None:
        """Send the presence again: a new session of a shard has none."""
        self._disconnected.discard(shard)
        self._current_text = None

    async def _run(self) -> None:
        await self._bot.wait_until_ready()
        while True:
            studio = self._bot.studio
            text = presence_text(studio.status(), studio.models.default.name)
            if text != self._current_text and not self._disconnected:
                try:
                    await self._bot.change_presence(activity=discord.CustomActivity(text))
                    self._current_text = text
                except GATEWAY_ERRORS as error:
                    log.debug("The presence couldn't be changed: %s", error)
            await asyncio.sleep(UPDATE_INTERVAL)


def presence_text(status: Status, idle_model: str) -> str:
    """The text of the presence; `idle_model` is named while no model is loaded."""
    model = status.model or idle_model
    if not status.running and not status.waiting:
        return f"{model} · idle"
    return f"{model} · painting {status.running}, {status.waiting} waiting"
