"""The end of the process, which threads that can't be interrupted must not turn into a crash."""

import contextlib
import logging
import os
import sys

SECONDS = 5.0
"""How long threads that were left behind in a step or a load may still take."""


def end_process(code: object) -> None:
    """End the process with `code` if threads are left behind; otherwise return.

    The interpreter would end beside them, and native code aborts then (status −6).
    """
    if "engine.background_thread" not in sys.modules:
        return  # no thread was started
    from engine.background_thread import threads_left_behind

    if not threads_left_behind(SECONDS):
        return
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def drop_output() -> None:
    """Drop what can't be written, or the interpreter complains about it when it exits."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, stream.fileno())
                os.close(nothing)
