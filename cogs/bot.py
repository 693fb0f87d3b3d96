"""The client: intents, what it is made of, and the order in which it starts and leaves."""

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import discord
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

from cogs.about.help import Help
from cogs.about.presence import Presence
from cogs.about.status import StatusCommand
from cogs.about.welcome import Welcome
from cogs.actions.context_menus import ContextMenus, SettingsButton, StartButton
from cogs.actions.fill import FillButton, PartSelect
from cogs.actions.modal_handler import ModalHandler
from cogs.actions.picture_buttons import PictureButton
from cogs.gallery.favourites import Favourites
from cogs.gallery.gallery import Gallery
from cogs.gallery.history import HistoryCommands
from cogs.gallery.job_list import JobMenu, PageButton
from cogs.generate.imagine import Imagine
from cogs.grids.buttons import CellMenu, GridButton
from cogs.grids.command import GridCommand
from cogs.grids.grid_messages import GridMessages
from cogs.message_ref import MessageRef
from cogs.messages.buttons import JobButton
from cogs.messages.job_messages import JobMessages
from cogs.messages.throttle import EditThrottle
from cogs.messages.updater import MessageUpdater
from cogs.models.buttons import ModelButton
from cogs.models.commands import Models
from cogs.models.downloads import ModelDownloads
from cogs.moderation.blocks import Moderation
from cogs.moderation.release import Release
from cogs.moderation.review_cards import ReviewButton
from cogs.moderation.reviews import ReviewService
from cogs.moderation.words import Words
from cogs.policy.contexts import restrict_contexts
from cogs.policy.limits import Limits
from cogs.queue.queue import Queue
from cogs.requests.confirmations import Confirmations, ConfirmButton
from cogs.requests.submission import Submission
from cogs.settings.items import PanelButton, SettingSelect
from cogs.settings.panel import SettingsPanel
from cogs.styles.styles import Styles
from cogs.sync import Ids, sync_commands
from cogs.translator import CommandTranslator
from cogs.tree import Tree
from cogs.user_defaults.me import Me
from engine import StyleBook, UnknownJob

if TYPE_CHECKING:
    from cogs.discord_settings import DiscordSettings, LimitSettings
    from engine import Job, Studio

log = logging.getLogger(__name__)

LAST_WORDS = 3.0
"""Seconds that finished pictures get to be shown when the bot leaves."""


class Atelier(commands.AutoShardedBot):
    """The bot. It opens nothing itself: the studio is given to it and outlives it.

    Attributes:
        studio: The engine.
        settings: The `[discord]` section.
        submission: Where requests are taken.
        confirmations: Asks before many jobs are queued.
        grids: Takes comparison sheets and shows them.
        downloads: Brings the models that are added.
        gallery: Shows starred pictures again, where a server wants that.
        leaving: Whether the bot is on its way out and takes nothing more.
        reviews: Has moderators look at requests first, where a server wants that.
        limits: How much the owner's settings give.
        panel: What a server decides in `/settings`.
        command_ids: The ids that Discord gave the commands, by place and name.
        channel_locks: By channel: the bot's own requests go one after the other. Side by side,
            discord.py lets more of them through than Discord allows.
    """

    tree: Tree

    def __init__(
        self, studio: "Studio", settings: "DiscordSettings", limits: "LimitSettings"
    ) -> None:
        # discord.py knows one address per process, as a class attribute.
        Route.BASE = settings.api_url
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            proxy=settings.proxy,
        )
        self.studio = studio
        self.settings = settings
        self.limits = Limits(limits)
        self.leaving = False
        self.command_ids: Ids = {}
        self.channel_locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        pacer = EditThrottle()
        self._followers = MessageUpdater(self, pacer)
        self._presenter = JobMessages(self, studio, self._followers)
        self.downloads = ModelDownloads(self, studio, pacer)
        self.submission = Submission(studio, self.limits, self._presenter)
        self.grids = GridMessages(self, studio, self.submission, self._followers)
        self.confirmations = Confirmations(studio, self.submission)
        self.reviews = ReviewService(self, studio, self.submission)
        self.gallery = Gallery(studio)
        self.panel = SettingsPanel(studio)

    async def setup_hook(self) -> None:
        """Between the login and the gateway: commands, buttons, and the jobs left behind."""
        _, gateway, _ = await self.http.get_bot_gateway()
        # Where discord.py connects anew after a session has become invalid.
        DiscordWebSocket.DEFAULT_GATEWAY = URL(gateway)
        await self.add_features()
        await self.add_cog(Presence(self))
        restrict_contexts(self)
        self.command_ids = await sync_commands(self)
        await self._presenter.resume()
        await self.grids.resume()
        await self.downloads.resume()
        await self.reviews.resume()

    async def add_features(self) -> None:
        """Everything that people use, and the names it has in each language. Needs no network."""
        await self.tree.set_translator(CommandTranslator())
        self.add_dynamic_items(JobButton, ModelButton, ConfirmButton)
        self.add_dynamic_items(PictureButton, SettingsButton, StartButton)
        self.add_dynamic_items(PartSelect, FillButton)
        book = StyleBook(self.studio.preferences)
        for cog in (Imagine(self.studio, book), Queue(self.studio), Models(self.studio)):
            await self.add_cog(cog)
        await self.add_cog(GridCommand(self.studio, book))
        self.add_dynamic_items(GridButton, CellMenu)
        for user_defaults in (Styles(self.studio, book), Me(self.studio, book)):
            await self.add_cog(user_defaults)
        for found in (HistoryCommands(self.studio), Favourites(), self.gallery):
            await self.add_cog(found)
        self.add_dynamic_items(PageButton, JobMenu)
        await self.add_cog(ContextMenus(self))
        await self.add_cog(ModalHandler(self.studio))
        await self.add_cog(Help())
        await self.add_cog(Welcome(self))
        await self.add_cog(StatusCommand(self.studio))
        await self.add_cog(self.panel)
        await self.add_cog(Moderation(self.studio))
        await self.add_cog(Release(self.studio))
        await self.add_cog(Words(self.studio))
        self.add_dynamic_items(SettingSelect, PanelButton, ReviewButton)

    async def show_again(self, job: "Job") -> None:
        """Have the message of a finished job, or of the sheet it is in, show its outcome anew."""
        if job.cell is not None:
            with contextlib.suppress(UnknownJob):
                await self.grids.show_again(job.cell.grid)
        else:
            self._presenter.present(job, MessageRef.from_json(job.message_ref))

    async def on_ready(self) -> None:
        """Say so; it happens again after long gateway outages."""
        log.info("Ready as %s in %d servers", self.user, len(self.guilds))

    async def close(self) -> None:
        """Leave in order: take nothing more, finish or put back the work, show what is done."""
        if self.leaving:
            return
        self.leaving = True
        await self.downloads.close()
        await self.reviews.close()
        await self.studio.stop()
        await self._followers.close(LAST_WORDS)
        await super().close()
