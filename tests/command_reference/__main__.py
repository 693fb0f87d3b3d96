"""Rewrites `docs/commands.md`: ``python -m tests.command_reference``."""

from __future__ import annotations

import asyncio

from tests.offline_bot import offline_bot

from . import PAGE, reference


async def write() -> None:
    """Write the page about a bot with all its features."""
    async with offline_bot() as bot:
        PAGE.write_text(await reference(bot), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    asyncio.run(write())
