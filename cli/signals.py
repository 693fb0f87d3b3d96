"""Ending in order: the first signal asks, the second one does not."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.console import err
from cli.exits import Exit

ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_signal(stop: Callable[[], object]) -> Iterator[None]:
    """Within it, call `stop` in the running loop at the first SIGINT or SIGTERM.

    A second one ends the process at once, whatever its threads are doing. Nothing that was
    accepted is lost by that: the store survives a kill.
    """
    loop = asyncio.get_running_loop()
    asked = False

    def received() -> None:
        nonlocal asked
        if asked:
            os._exit(Exit.INTERRUPTED)
        asked = True
        err.print("Stopping in order; once more stops at once.", style="dim")
        stop()

    try:
        for number in ENDING:
            loop.add_signal_handler(number, received)
    except NotImplementedError:  # Windows
        before = {
            number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(received))
            for number in ENDING
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    else:
        try:
            yield
        finally:
            for number in ENDING:
                loop.remove_signal_handler(number)
