"""Prints everything that is still to be registered, and what to do: ``python -m tests.guards``."""

from __future__ import annotations

import asyncio
import sys

from tests.offline_bot import offline_bot

from .table import GUARDS


async def reports() -> list[str]:
    """What each guard has to say that misses something."""
    async with offline_bot() as bot:
        found = [(guard, await guard.missing(bot)) for guard in GUARDS]
    return [guard.report(missing) for guard, missing in found if missing]


def main() -> None:
    """Print it; the exit code is 1 when anything is missing."""
    found = asyncio.run(reports())
    print("\n\n".join(found) or "Everything is registered.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
