"""Brings the catalogues in speech/ up to date with the sources: `python -m tests.speech`."""

from __future__ import annotations

import asyncio

from speech import LANGUAGES
from tests.offline_bot import offline_bot

from .catalogue import template, update


async def main() -> None:
    """Update every catalogue, and tell what is left to be translated."""
    async with offline_bot() as bot:
        wanted = await template(bot)
    for language in LANGUAGES:
        if language != "en":
            entries = [message for message in update(language, wanted) if message.id]
            missing = [message for message in entries if not any(message.string or "")]
            print(f"{language}: {len(entries)} entries, {len(missing)} without a translation")


if __name__ == "__main__":
    asyncio.run(main())
