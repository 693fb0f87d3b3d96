"""Which device is given which of the waiting jobs now."""

import time
from collections.abc import Callable, Collection, Iterator
from itertools import islice

from engine.jobs.device_load import DeviceLoad
from engine.jobs.job import Job
from engine.jobs.outlook import Foreseen, Outlook
from engine.jobs.queue import FairQueue

LOOKAHEAD = 64
"""Jobs that are looked at for devices that could begin; then as many again of those for models
that one of these devices can begin with."""

SAMPLE = 8
"""Jobs for a model that are asked about before nobody counts as able to paint with it."""


class JobAssignment:
    """Gives waiting jobs to devices, in the order of the queue, each to where it's finished first.

    That may be a device that is busy: then the job is held for it, and the free one is given a
    later job. A device goes on with the model in use for at most `patience` seconds while a job
    for another model is held for it; then it finishes what it has.

    Attributes:
        patience: Seconds.
    """

    def __init__(
        self, queue: FairQueue, patience: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the queue, seconds of patience, and a monotonic clock."""
        self._queue = queue
        self.patience = patience
        self._clock = clock
        self._deadlines: dict[int, float] = {}

    def decide(self, loads: Collection[DeviceLoad]) -> list[tuple[Job, DeviceLoad]]:
        """Jobs for devices that can begin with them now. They still wait until they are served."""
        if not any(load.is_open for load in loads):
            return []
        outlook, decided = Outlook(loads), []
        open_before = [one for one in outlook if one.is_open]
        kept_out: set[str] = set()
        for job in self._candidates(outlook):
            best = outlook.best(job)
            if best is None:
                continue
            if best.is_open and not best.starts(job):
                kept_out.add(best.load.name)
                self._keep_out(best)
            if not best.starts(job) and (instead := self._instead(job, outlook)) is not None:
                best = instead
            if not best.starts(job):
                best.place(job)
                continue
            if best.load.name not in kept_out:
                best.load.kept_out_since = None
            best.give(job)
            self._deadlines.pop(job.id, None)
            decided.append((job, best.load))
            if not any(one.is_open for one in outlook):
                break
        for one in open_before:
            if one.load.name not in kept_out:
                one.load.kept_out_since = None
        return decided

    def seconds_to_next(self) -> float | None:
        """Until a job is no longer held for a busy device; `None` if that is so of no job.

        One that was held for too long is given to whichever device is done first.
        """
        for job_id in [each for each in self._deadlines if each not in self._queue]:
            del self._deadlines[job_id]
        now = self._clock()
        return min((end - now for end in self._deadlines.values() if end > now), default=None)

    def _candidates(self, outlook: Outlook) -> Iterator[Job]:
        able = [model for model in self._queue.models if self._anybody(model, outlook)]
        seen = set()
        for job in islice(self._queue.walk(able), LOOKAHEAD):
            seen.add(job.id)
            yield job
        if len(seen) < LOOKAHEAD:
            return
        beginning = [model for model in able if self._anybody(model, outlook, now=True)]
        for job in islice(self._queue.walk(beginning), 2 * LOOKAHEAD):
            if job.id not in seen:
                yield job

    def _anybody(self, model: str | None, outlook: Outlook, *, now: bool = False) -> bool:
        """Whether a device can paint one of the first jobs for a model, or begin it `now`."""
        first = list(islice(self._queue.walk((model,)), SAMPLE))
        return any(
            (not now or one.starts(job)) and one.load.can_paint(job)
            for one in outlook
            for job in first
        )

    def _keep_out(self, device: Foreseen) -> None:
        """A job for another model is first in line for a device that goes on with its own."""
        now = self._clock()
        if device.load.kept_out_since is None:
            device.load.kept_out_since = now
        if now - device.load.kept_out_since >= self.patience:
            device.is_open = False

    def _instead(self, job: Job, outlook: Outlook) -> Foreseen | None:
        """A device that can begin with a job that was held for a busy one for too long.

        That is when it would have been done here.
        """
        instead = outlook.best(job, now=True)
        if instead is None:
            return None
        now = self._clock()
        seconds = max(instead.paint_seconds(job), self.patience)
        deadline = self._deadlines.setdefault(job.id, now + seconds)
        return instead if now >= deadline else None
