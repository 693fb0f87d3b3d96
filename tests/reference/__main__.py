"""Writes `docs/commands.md` anew: ``python -m tests.reference``."""

from __future__ import annotations

import asyncio

from tests.offline_bot import furnished

from . import PAGE, reference


async def write() -> None:
    """Furnish a bot, read it, write the page."""
    async with furnished() as bot:
        PAGE.write_text(await reference(bot), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    asyncio.run(write())
