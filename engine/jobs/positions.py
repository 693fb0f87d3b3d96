"""Telling those who wait where they are in line, whatever the length of the line."""

import asyncio
from collections.abc import Callable, Collection
from itertools import islice

from engine.jobs.device_load import DeviceLoad
from engine.jobs.eta import EtaCalculator
from engine.jobs.events import JobEvents
from engine.jobs.queue import FairQueue

MOST = 1000
"""Jobs that are told their position; those behind them hear that they are in line."""

CHOICES = 20_000
"""Times that a device is considered for a job; jobs beyond that hear their position alone."""

JOB_SECONDS, CHOICE_SECONDS = 4e-4, 2e-5
"""Seconds until the next update, for each job that is told, and each time that a device is
considered for one: about forty times what they take."""

AT_ONCE = 0.05
"""A shorter wait than that isn't worth it: they are told at once."""

LONGEST = 2.5
"""Seconds that nobody waits longer for an update; messages are edited about as often."""


class Positions:
    """Posts the position and time left of waiting jobs when something changes.

    A short line hears at once, a long one at intervals that grow with its length.
    """

    def __init__(
        self,
        queue: FairQueue,
        eta: EtaCalculator,
        job_events: JobEvents,
        loads: Callable[[], Collection[DeviceLoad]],
    ) -> None:
        self._queue = queue
        self._eta = eta
        self._job_events = job_events
        self._loads = loads
        self._timer: asyncio.TimerHandle | None = None

    def changed(self) -> None:
        """Something has changed: post them now, or before long."""
        told = min(len(self._queue), MOST)
        choices = min(told * len(self._loads()), CHOICES)
        wait = told * JOB_SECONDS + choices * CHOICE_SECONDS
        if wait < AT_ONCE:
            self.post()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(min(wait, LONGEST), self.post)

    def post(self) -> None:
        """Post them now."""
        self.close()
        loads = self._loads()
        timed = CHOICES // max(1, len(loads))
        for event in islice(self._eta.queued(loads, timed=timed), MOST):
            self._job_events.post(event)

    def close(self) -> None:
        """Post no more until something changes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
