"""Signals: the first that ends the program asks for it, the second forces it; SIGHUP reloads."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.console import err
from cli.exits import Exit

ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_signal(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop` in the running loop at the first SIGINT or SIGTERM while this is entered.

    A second signal ends the process immediately, whatever its threads are doing. No job is lost:
    the database survives a kill.
    """
    loop = asyncio.get_running_loop()
    asked = False

    def received() -> None:
        nonlocal asked
        if asked:
            os._exit(Exit.INTERRUPTED)
        asked = True
        err.print("Stopping. Press Ctrl-C again to stop immediately.", style="dim")
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


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Have SIGTERM and a closed terminal end what is entered as Ctrl-C does, which cleans up."""

    def received(number: int, _: object) -> None:
        sys.exit(128 + number)

    asked = (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP"))
    heard = [each for each in asked if each and signal.getsignal(each) is signal.SIG_DFL]
    for number in heard:
        signal.signal(number, received)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def on_hangup(reload: Callable[[], object], stop: Callable[[], object]) -> Iterator[None]:
    """Call `reload` in the running loop at each SIGHUP while this is entered; Windows has none.

    A terminal that is closed sends it, too: then `stop` is called. Under `nohup` it's ignored.
    """
    number = getattr(signal, "SIGHUP", None)
    if number is None or signal.getsignal(number) is signal.SIG_IGN:
        yield
        return
    had_terminal = err.is_terminal

    def received() -> None:
        closed = had_terminal and not err.is_terminal
        (stop if closed else reload)()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, received)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)
