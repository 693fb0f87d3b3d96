"""What every part of the Discord side may rely on: the client, its services, an interaction."""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar, cast
from weakref import WeakValueDictionary

import discord
from discord import app_commands
from discord.ext import commands

from cogs.discord_settings import DiscordSettings
from engine import Studio

T = TypeVar("T")

Hook = Callable[[], Awaitable[None]]

EVERYWHERE = 0
"""Stands for all servers where the ID of one server could stand."""

CommandIds = dict[int, dict[str, int]]
"""The IDs that Discord gave the commands, by server (or `EVERYWHERE`) and name."""


class Services:
    """What parts of the bot share, by type. A feature adds its own in its `setup`."""

    def __init__(self) -> None:
        self._services: dict[type, object] = {}

    def add(self, kind: type[T], service: T) -> T:
        """Offer `service` to whoever asks for `kind`. There is one of each kind."""
        assert kind not in self._services, f"there is a {kind.__name__} already"
        self._services[kind] = service
        return service

    def __getitem__(self, kind: type[T]) -> T:
        """The service of that kind. Raises `KeyError` when no feature has added it."""
        return cast(T, self._services[kind])


class GuardedTree(app_commands.CommandTree["Client"]):
    """A command tree that also checks clicks and modals, which discord.py's own does not."""

    @abstractmethod
    async def guard(self, interaction: "Interaction", action: Hook) -> None:
        """Run what a click or a modal asks for, checked and with its errors answered."""


class Client(commands.AutoShardedBot):
    """The bot, as its parts see it.

    Attributes:
        studio: The engine.
        settings: The `[discord]` section.
        services: What features share.
        leaving: Whether the bot is shutting down and takes nothing more.
        command_ids: The IDs of its commands, for mentions.
        channel_locks: By channel: the bot's own requests go one after the other. Side by side,
            discord.py lets more of them through than Discord allows.
        start_hooks: Called before the gateway is opened, to take up what was left behind.
        stop_hooks: Called on the way out, before the studio stops.
    """

    tree: GuardedTree
    studio: Studio
    settings: DiscordSettings
    services: Services
    leaving: bool
    command_ids: CommandIds
    channel_locks: WeakValueDictionary[int, asyncio.Lock]
    start_hooks: list[Hook]
    stop_hooks: list[Hook]


Interaction: TypeAlias = discord.Interaction[Client]
AnyInteraction: TypeAlias = discord.Interaction[Any]
