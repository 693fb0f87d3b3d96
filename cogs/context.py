"""The types that all of `cogs` shares: the client, its services, and interactions."""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar, cast
from weakref import WeakValueDictionary

import discord
from discord import app_commands
from discord.ext import commands

from cogs.discord_settings import DiscordSettings
from cogs.reloading import Reload
from cogs.traffic import Traffic
from engine import Studio

T = TypeVar("T")

Hook = Callable[[], Awaitable[None]]

EVERYWHERE = 0
"""The key for all servers, where a server's ID would be."""

CommandIds = dict[int, dict[str, int]]
"""Discord's IDs of the commands, by server (or `EVERYWHERE`) and name."""


class Services:
    """Objects that features share, by type. Features add their own in their `setup`."""

    def __init__(self) -> None:
        self._services: dict[type, object] = {}

    def add(self, service_type: type[T], service: T) -> T:
        """Add the only service of that type, and return it."""
        assert service_type not in self._services, f"{service_type.__name__} has been added already"
        self._services[service_type] = service
        return service

    def __getitem__(self, service_type: type[T]) -> T:
        """The service of that type. Raises `KeyError` when no feature has added it."""
        return cast(T, self._services[service_type])


class GuardedTree(app_commands.CommandTree["Client"]):
    """A command tree that also checks clicks and modals, which discord.py's own doesn't."""

    @abstractmethod
    async def guard(self, interaction: "Interaction", action: Hook) -> None:
        """Run the action of a click or a modal if it is allowed, and answer its errors."""


class Client(commands.AutoShardedBot):
    """The bot, as features see it.

    Attributes:
        studio: The engine.
        settings: The `[discord]` section.
        reload: Reads the owner's settings again.
        services: What features share.
        traffic: What passes between it and Discord, counted.
        leaving: Whether the bot is shutting down and accepts nothing new.
        command_ids: Discord's IDs of its commands, for mentions.
        channel_locks: A lock for each channel, held during requests to it. With concurrent
            requests, discord.py exceeds Discord's rate limits.
        start_hooks: Called before the gateway is opened, to resume unfinished work.
        stop_hooks: Called at shutdown, before the studio stops.
    """

    tree: GuardedTree
    studio: Studio
    settings: DiscordSettings
    reload: Reload
    services: Services
    traffic: Traffic
    leaving: bool
    command_ids: CommandIds
    channel_locks: WeakValueDictionary[int, asyncio.Lock]
    start_hooks: list[Hook]
    stop_hooks: list[Hook]


Interaction: TypeAlias = discord.Interaction[Client]
AnyInteraction: TypeAlias = discord.Interaction[Any]
