"""The fair queue: who is served next.

Start-time fair queueing (Goyal, Vin and Cheng, 1996): every owner has a virtual clock that
advances by the cost of what the owner was served, in model calls. The owner whose clock is
furthest behind is next. An owner who comes back after a pause starts at the current virtual time,
so pauses earn no credit. One person's fifty jobs therefore never delay another's one by more than
the running job.

The queue is plain data for one event loop; nothing in it waits or locks.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence

from engine.jobs.job import Job


class FairQueue:
    """Waiting jobs in fair order, with a limit on how long one model keeps the others waiting."""

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Make an empty queue.

        Args:
            patience: Seconds for which jobs of the model in use may overtake a job of another
                model that is first in line.
            clock: Seconds, monotonic.
        """
        self._patience = patience
        self._clock = clock
        self._waiting: dict[str, deque[Job]] = {}
        self._served: dict[str, float] = {}
        self._now = 0.0
        self._overtaken_since: float | None = None

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def push(self, job: Job) -> None:
        """Queue `job` behind the other jobs of its owner."""
        jobs = self._waiting.setdefault(job.owner, deque())
        if not jobs:
            self._served[job.owner] = self._clock_of(job.owner)
        jobs.append(job)

    def remove(self, job_id: int) -> Job | None:
        """Remove the job and return it; `None` if it isn't queued."""
        for owner, jobs in self._waiting.items():
            for job in jobs:
                if job.id == job_id:
                    jobs.remove(job)
                    self._forget_if_idle(owner)
                    return job
        return None

    def order(self, extra: Sequence[Job] = ()) -> list[Job]:
        """All waiting jobs in the order in which they will be served if no others are queued.

        Args:
            extra: More jobs, placed as if they had just been queued.
        """
        lines = {owner: list(jobs) for owner, jobs in self._waiting.items() if jobs}
        for job in extra:
            lines.setdefault(job.owner, []).append(job)
        heads = [(self._clock_of(owner), jobs[0].id, owner, 0) for owner, jobs in lines.items()]
        heapq.heapify(heads)
        ordered = []
        while heads:
            served, _, owner, i = heapq.heappop(heads)
            jobs = lines[owner]
            ordered.append(jobs[i])
            if i + 1 < len(jobs):
                heapq.heappush(heads, (served + jobs[i].cost, jobs[i + 1].id, owner, i + 1))
        return ordered

    def take(self, model: str | None, without: Collection[str] = ()) -> Job | None:
        """Take the job to paint next while the device holds `model`.

        Args:
            model: Name of the model in use; `None` if any model may be next.
            without: Names of models whose jobs can't be painted yet; they are skipped.

        Returns:
            The first job in line. If it needs another model: for at most `patience` seconds the
            first job that needs this one, then `None`, so that the device finishes its jobs.
        """
        order = [job for job in self.order() if job.recipe.model not in without]
        if not order:
            self._overtaken_since = None
            if model is None and not self:
                self._reset_clocks()
            return None
        first = order[0]
        if model is None or first.recipe.model == model:
            self._overtaken_since = None
            return self._serve(first)
        if self._overtaken_since is None:
            self._overtaken_since = self._clock()
        if self._clock() - self._overtaken_since >= self._patience:
            return None
        same = (job for job in order if job.recipe.model == model)
        job = next(same, None)
        return None if job is None else self._serve(job)

    def _clock_of(self, owner: str) -> float:
        """The owner's clock; not behind the virtual time for an owner without waiting jobs."""
        served = self._served.get(owner, 0.0)
        return served if self._waiting.get(owner) else max(served, self._now)

    def _serve(self, job: Job) -> Job:
        self._now = max(self._now, self._served[job.owner])
        self._served[job.owner] += job.cost
        self._waiting[job.owner].remove(job)
        self._forget_if_idle(job.owner)
        return job

    def _reset_clocks(self) -> None:
        """Nothing waits and nothing runs: every owner starts equal again."""
        self._now = max(self._served.values(), default=self._now)
        self._served.clear()

    def _forget_if_idle(self, owner: str) -> None:
        """Drop clocks behind the virtual time: their owners would start at that time anyway."""
        if not self._waiting[owner]:
            del self._waiting[owner]
        for name in [n for n, served in self._served.items() if served <= self._now]:
            if name not in self._waiting:
                del self._served[name]
