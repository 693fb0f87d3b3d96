"""The bot: its intents and shared services, and how it starts and stops."""

import asyncio
import logging
import pkgutil
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import discord
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route
from discord.webhook.async_ import async_context
from yarl import URL

from cogs.acts import Acts
from cogs.adapter import Adapter
from cogs.context import Client, Interaction, Services
from cogs.discord_settings import DiscordSettings, LimitSettings
from cogs.messages.buttons import JobActions, JobButton
from cogs.messages.claimed_channels import ClaimedChannels
from cogs.messages.job_messages import JobMessages
from cogs.messages.picture_buttons import PictureActions, PictureButton
from cogs.messages.removal import JobRemoval
from cogs.messages.throttle import EditThrottle
from cogs.messages.updater import MessageUpdater
from cogs.policy.contexts import restrict_contexts, show_commands_to_roles
from cogs.policy.limits import Limits
from cogs.reloading import nothing_to_reload
from cogs.requests.confirmations import Confirmations, ConfirmButton
from cogs.requests.submission import Submission
from cogs.sync import sync_commands
from cogs.traffic import Traffic
from cogs.translator import CommandTranslator
from cogs.tree import Tree
from engine import Studio

log = logging.getLogger(__name__)

AnyCommand = app_commands.Command[Any, ..., Any] | app_commands.ContextMenu

STOP_SECONDS = 3.0
"""How long posting finished pictures may take when the bot stops."""


class Atelier(Client):
    """The bot. The studio is opened and closed by the caller."""

    def __init__(self, studio: Studio, settings: DiscordSettings, limits: LimitSettings) -> None:
        # discord.py has one API address per process, as a class attribute.
        Route.BASE = settings.api_url
        self.traffic = Traffic()
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=discord.Intents(
                guilds=True,
                guild_messages=settings.conversation,
                dm_messages=settings.conversation,
            ),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            proxy=settings.proxy,
            http_trace=self.traffic.trace(),
        )
        self.studio = studio
        self.settings = settings
        self.reload = nothing_to_reload
        self.leaving = False
        self.command_ids = {}
        self.channel_locks = WeakValueDictionary[int, asyncio.Lock]()
        self.start_hooks = []
        self.stop_hooks = []
        self.services = Services()
        self._updater = self._add_services(limits)

    def use(self, settings: DiscordSettings, limits: LimitSettings) -> None:
        """Have other settings count from now on, as far as they don't take a restart."""
        self.settings = settings
        self.services[Limits].settings = limits

    def _add_services(self, limits: LimitSettings) -> MessageUpdater:
        """Add the services that features share; features add more in their `setup`."""
        add, studio = self.services.add, self.studio
        throttle = add(EditThrottle, EditThrottle())
        updater = add(MessageUpdater, MessageUpdater(self, throttle))
        messages = add(JobMessages, JobMessages(self, studio, updater))
        add(ClaimedChannels, ClaimedChannels())
        add(JobActions, JobActions())
        add(PictureActions, PictureActions())
        add(JobRemoval, JobRemoval(studio))
        add(Limits, Limits(limits))
        submission = add(Submission, Submission(studio, messages))
        add(Confirmations, Confirmations(studio, submission))
        acts = add(Acts, Acts(self))
        self.start_hooks += acts.load, messages.resume
        return updater

    @property
    def connected(self) -> bool:
        """Whether the gateway is connected, for every shard."""
        return self.is_ready() and not any(shard.is_closed() for shard in self.shards.values())

    async def setup_hook(self) -> None:
        """Between login and gateway: add features, sync commands, resume unfinished jobs."""
        async_context.set(Adapter(self, self.services[Acts]))
        _, gateway, _ = await self.http.get_bot_gateway()
        # discord.py reconnects there after a session was invalidated.
        DiscordWebSocket.DEFAULT_GATEWAY = URL(gateway)
        await self.add_features()
        restrict_contexts(self)
        show_commands_to_roles(self)
        self.command_ids = await sync_commands(self)
        for start in self.start_hooks:
            await start()

    async def add_features(self) -> None:
        """Add all commands and buttons, and their translations. Needs no network."""
        await self.tree.set_translator(CommandTranslator())
        self.add_dynamic_items(JobButton, PictureButton, ConfirmButton)
        for feature in features():
            # load_extension() would run the package twice, and unload its modules on close.
            await import_module(feature).setup(self)

    async def on_ready(self) -> None:
        """Resume what was left unfinished; this happens again after long gateway outages."""
        log.info("Ready as %s in %d servers", self.user, len(self.guilds))
        await self.services[Acts].resume()

    async def on_message(self, message: discord.Message, /) -> None:
        """Nothing: there are no commands by mention. Features listen on their own."""

    async def on_app_command_completion(self, interaction: Interaction, _: AnyCommand) -> None:
        """A command has been answered."""
        await self.services[Acts].finish(interaction)

    async def close(self) -> None:
        """Stop in order: accept nothing new, finish or requeue jobs, post finished pictures."""
        if self.leaving:
            return
        self.leaving = True
        stops: list[Callable[[], Awaitable[None]]] = [*self.stop_hooks, self.studio.stop]
        stops.append(partial(self._updater.close, STOP_SECONDS))
        for stop in stops:
            try:
                await stop()
            except Exception:  # such as a full disk; the rest stops all the same
                log.exception("Something couldn't be stopped in order")
        await super().close()


def features() -> Iterator[str]:
    """The module names of all extensions: the packages beside this file that have a `setup`."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)], "cogs."):
        if module.ispkg and hasattr(import_module(module.name), "setup"):
            yield module.name
