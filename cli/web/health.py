"""Whether the bot is well: its database answers, and Discord is connected."""

import asyncio
from dataclasses import asdict, dataclass

from cli.web.sources import Sources
from engine import StorageError

DATABASE_SECONDS = 5.0
"""How long the database may take to answer."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is well. That the event loop runs is shown by there being an answer."""

    database: bool
    discord: bool

    @property
    def good(self) -> bool:
        """Whether everything is well."""
        return self.database and self.discord

    def to_json(self) -> dict[str, str]:
        """In words, for programs."""
        found = {name: "ok" if well else "failing" for name, well in asdict(self).items()}
        return {"status": "ok" if self.good else "failing", "event_loop": "ok", **found}


async def health_of(sources: Sources) -> Health:
    """How the bot is now."""
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            await sources.studio.require_database()
    except (StorageError, TimeoutError):
        return Health(False, sources.bot.connected)
    return Health(True, sources.bot.connected)
