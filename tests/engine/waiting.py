"""Waiting until something is so, off the event loop."""

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 30.0
"""Seconds after which what a test waits for counts as never coming."""


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


def wait_for_bytes(cache: Path, number: int) -> None:
    """Wait until so many bytes of files that are still being downloaded are in the Hub's cache.

    What the loopback Hub has sent may be lost on the way when a download is stopped; these aren't.
    """
    wait_for(lambda: sum(file.stat().st_size for file in cache.rglob("*.incomplete")) >= number)
