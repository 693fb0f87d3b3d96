"""Benchmarks that end in time and show what they have measured until then."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import benchmarks
from benchmarks.processes import end_children


def seconds_left(seconds: float | None) -> float:
    """Of so many seconds since the program began; endless for `None`."""
    if seconds is None:
        return threading.TIMEOUT_MAX
    return max(0.0, benchmarks.STARTED + seconds - time.monotonic())


@contextmanager
def shown(show: Callable[[], None], seconds: float | None = None) -> Iterator[None]:
    """Show what was measured at the end, however that comes.

    Args:
        show: Prints it. It's called once: after the body, also after one that raises; or, when time
            is up, in the midst of the body and on another thread. Then the program ends.
        seconds: How long the program may run; `None` for as long as it takes.
    """
    once = threading.Lock()

    def stop() -> None:
        once.acquire()  # for good: it's shown once
        try:
            show()
            print(f"Stopped after {seconds:.0f} seconds.", flush=True)
            end_children()
        finally:
            os._exit(0)

    timer = threading.Timer(seconds_left(seconds), stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        once.acquire()  # for good, too
        timer.cancel()
        show()
