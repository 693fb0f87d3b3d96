"""Reading the owner's settings again: what comes of it. The command line does it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What came of reading the settings again. Settings are named like `limits.queue_size`.

    Attributes:
        live: What counts now.
        restart: What is another in the file, but takes a restart.
        needed: Models and LoRAs that stay as they were, since jobs need them.
        problems: A sentence for each mistake in the file; then everything stays as it was.
    """

    live: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


Reload = Callable[[], Awaitable[Reloaded]]


async def nothing_to_reload() -> Reloaded:
    """For a bot whose settings are in no file."""
    return Reloaded()
