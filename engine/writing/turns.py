"""Whose turn it is to have something written: one at a time, fairly, and not too often."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from engine.errors import LimitReached, QueueFull
from engine.jobs.hourly_use import HourlyUse
from engine.jobs.rate_limits import WINDOW
from speech import say

MOST = 40
"""Texts that one person may have written in an hour."""

MAX_WAITING = 8
"""People who may wait at a time; all of them get an answer while Discord lets the bot give it."""


class Turns:
    """Admits people one after the other: nobody is served twice while others wait."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Take the clock, in seconds since the epoch."""
        self._clock = clock
        self._used = HourlyUse()
        self._present: set[str] = set()
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def admitted(self, owner: str) -> AsyncIterator[asyncio.Lock]:
        """Let `owner` have a text written inside, under the lock that this gives.

        Raises:
            LimitReached: When one is being written for them, or that's too many for an hour.
            QueueFull: When too many people wait.
        """
        self._admit(owner)
        try:
            yield self._turn
        finally:
            self._present.discard(owner)

    def _admit(self, owner: str) -> None:
        if owner in self._present:
            raise LimitReached(say("I'm still writing for you. Wait until that's finished."))
        now = self._clock()
        own = self._used.recent(owner, now)
        if len(own) >= MOST:
            raise LimitReached(
                say("You've had too much written in the last hour. Try again later."),
                retry_at=own[0][0] + WINDOW,
            )
        if len(self._present) >= MAX_WAITING:
            raise QueueFull(say("Too many people wait for texts. Try again in a few minutes."))
        self._used.add(owner, now)
        self._present.add(owner)
