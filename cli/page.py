"""The owner's page, with what it shows of the bot."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from cli.program import version
from cli.settings import Settings
from cli.web.recent_problems import RecentProblems
from cli.web.sources import Picture, Sources
from cogs import Atelier
from cogs.message_ref import MessageRef
from cogs.policy.public import is_public, public_pictures
from cogs.traffic import Traffic
from engine import Studio


@asynccontextmanager
async def serve_page(
    settings: Settings, studio: Studio, bot: Atelier, problems: RecentProblems
) -> AsyncIterator[str | None]:
    """Serve it while this is entered; yields as `cli.web.server.serve` does."""
    if settings.web.listen is None:
        yield None
        return
    from cli.web.server import serve  # with packages that nothing else needs

    sources = Sources(
        studio=studio,
        bot=View(bot),
        problems=problems,
        folder=settings.storage.path,
        version=version(),
    )
    async with serve(settings.web, sources) as health_url:
        yield health_url


class View:
    """The bot, as `cli.web.sources.BotView` has it."""

    def __init__(self, bot: Atelier) -> None:
        self._bot = bot

    @property
    def name(self) -> str | None:
        """Its name on Discord."""
        return None if self._bot.user is None else self._bot.user.name

    @property
    def connected(self) -> bool:
        """Whether the gateway is connected."""
        return self._bot.connected

    @property
    def latency(self) -> float | None:
        """Of the gateway, in seconds."""
        return self._bot.latency if math.isfinite(self._bot.latency) else None

    @property
    def traffic(self) -> Traffic:
        """What passes between it and Discord."""
        return self._bot.traffic

    async def public_pictures(self, size: int) -> Sequence[Picture]:
        """The newest pictures that everyone may see."""
        return await public_pictures(self._bot, size)

    def is_public(self, message_ref: Any) -> bool:
        """Whether everyone may see the message of a job or a training, and what becomes of it."""
        return is_public(self._bot, MessageRef.from_json(message_ref))
