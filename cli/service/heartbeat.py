"""The bot's heartbeat: systemd is told that it's ready, alive and stopping, and a file is touched.

The protocol: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

import asyncio
import faulthandler
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from engine import Tasks

ADDRESS, WATCHDOG, WATCHDOG_OF = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"

POLL = 0.5
"""Seconds between two looks whether the bot is ready."""

HEALTH_FILE = "ATELIER_HEALTH_FILE"
"""The variable with the file that is touched while the bot is well; a container looks at it."""

TOUCH = 15.0
"""Seconds between two touches."""

STARTING = 60
"""Seconds after which systemd gives up on a start whose event loop is blocked."""


def notify(*states: str) -> None:
    """Send states such as `READY=1`, in one datagram; nothing happens without systemd."""
    address = os.environ.get(ADDRESS)
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.connect(address)
        sender.send("\n".join(states).encode())


class Heartbeat:
    """Beats from the event loop, so a loop that is blocked stops the beat.

    Use it as `async with Heartbeat() as heartbeat`. While the bot waits for the network, systemd's
    limit for a start is extended.
    """

    def __init__(self) -> None:
        self._is_ready: Callable[[], bool] = bool
        self._health_url = ""
        self._tasks = Tasks()

    async def __aenter__(self) -> Self:
        if {ADDRESS, HEALTH_FILE} & os.environ.keys():
            self._tasks.start(self._beat(), "beat")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._tasks.cancel()

    def ready_when(self, is_ready: Callable[[], bool], health_url: str | None = None) -> None:
        """Tell that the bot is ready once `is_ready` returns true.

        In the file is the address where the bot tells how it is, if there is one.
        """
        self._is_ready, self._health_url = is_ready, health_url or ""

    def stopping(self) -> None:
        """Tell that the bot is about to stop."""
        notify("STOPPING=1", "STATUS=Stopping")

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Tell that the settings are read again while this is entered, if the bot was ready."""
        if not self._is_ready():
            yield
            return
        now = time.monotonic_ns() // 1000
        notify("RELOADING=1", f"MONOTONIC_USEC={now}", "STATUS=Reloading")
        try:
            yield
        finally:
            notify("READY=1", "STATUS=Running")

    async def _beat(self) -> None:
        watchdog, file = _watchdog_interval(), os.environ.get(HEALTH_FILE)
        if watchdog is not None:
            faulthandler.enable()  # the watchdog's signal shows where each thread is
        alive = [] if watchdog is None else ["WATCHDOG=1"]
        while not self._is_ready():
            extend = f"EXTEND_TIMEOUT_USEC={STARTING * 1_000_000}"
            notify("STATUS=Connecting to Discord", extend, *alive)
            await asyncio.sleep(POLL)
        notify("READY=1", "STATUS=Running", *alive)
        while watchdog or file:
            if file:
                _touch(Path(file), self._health_url)
            await asyncio.sleep(min(watchdog or TOUCH, TOUCH))
            if alive:
                notify(*alive)


def _touch(file: Path, text: str) -> None:
    with suppress(OSError):
        file.write_text(text)


def _watchdog_interval() -> float | None:
    """Seconds between two beats, half of what is allowed; `None` if nobody waits for them."""
    microseconds, process = os.environ.get(WATCHDOG, ""), os.environ.get(WATCHDOG_OF)
    if not microseconds.isdecimal() or process not in (None, str(os.getpid())):
        return None
    return int(microseconds) / 2_000_000
