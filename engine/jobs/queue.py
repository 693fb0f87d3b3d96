"""The fair queue: who is served next.

Start-time fair queueing (Goyal, Vin and Cheng, 1996): every owner has a virtual clock that
advances by the price of what the owner was served, in model calls. The owner whose clock is
furthest behind is next; an owner who comes back after a pause starts at the present, so time
spent away is no credit. One person's fifty jobs therefore never delay another's one by more than
the job in hand.

The queue is plain data for one event loop; nothing in it waits or locks.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence

from engine.jobs.job import Job


class FairQueue:
    """Waiting jobs in fair order, with a bound on how long one model keeps the others out."""

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Make an empty queue.

        Args:
            patience: Seconds for which jobs of the model in use may overtake one of another model
                that is first in line.
            clock: Seconds, monotonic.
        """
        self._patience = patience
        self._clock = clock
        self._waiting: dict[str, deque[Job]] = {}
        self._served: dict[str, float] = {}
        self._now = 0.0
        self._kept_out_since: float | None = None

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def push(self, job: Job) -> None:
        """Put `job` behind the other jobs of its owner."""
        jobs = self._waiting.setdefault(job.owner, deque())
        if not jobs:
            self._served[job.owner] = self._clock_of(job.owner)
        jobs.append(job)

    def remove(self, job_id: int) -> Job | None:
        """Take the job out, wherever it stands; `None` if it does not wait here."""
        for owner, jobs in self._waiting.items():
            for job in jobs:
                if job.id == job_id:
                    jobs.remove(job)
                    self._forget_if_idle(owner)
                    return job
        return None

    def order(self, extra: Sequence[Job] = ()) -> list[Job]:
        """All waiting jobs in the order in which they will be served if nobody else comes.

        Args:
            extra: Jobs that are not here, each placed as if it had just come.
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
            model: Name of the model in use whose jobs may be overtaken by none; `None` when any
                model may come next.
            without: Names of models whose jobs cannot be painted yet; those behind them go first.

        Returns:
            The first job in line; or, for at most `patience` seconds while that one needs another
            model, the first that needs this one; or `None` when the device should first finish
            what it has.
        """
        order = [job for job in self.order() if job.recipe.model not in without]
        if not order:
            self._kept_out_since = None
            if model is None and not self:
                self._close_accounts()
            return None
        first = order[0]
        if model is None or first.recipe.model == model:
            self._kept_out_since = None
            return self._serve(first)
        if self._kept_out_since is None:
            self._kept_out_since = self._clock()
        if self._clock() - self._kept_out_since >= self._patience:
            return None
        same = (job for job in order if job.recipe.model == model)
        job = next(same, None)
        return None if job is None else self._serve(job)

    def _clock_of(self, owner: str) -> float:
        """What the owner was served, not behind the present for one who has nothing waiting."""
        served = self._served.get(owner, 0.0)
        return served if self._waiting.get(owner) else max(served, self._now)

    def _serve(self, job: Job) -> Job:
        self._now = max(self._now, self._served[job.owner])
        self._served[job.owner] += job.cost
        self._waiting[job.owner].remove(job)
        self._forget_if_idle(job.owner)
        return job

    def _close_accounts(self) -> None:
        """Nobody waits and nothing runs: whoever comes next starts level with the others."""
        self._now = max(self._served.values(), default=self._now)
        self._served.clear()

    def _forget_if_idle(self, owner: str) -> None:
        """Keep no clock that the present has overtaken: its owner would start anew anyway."""
        if not self._waiting[owner]:
            del self._waiting[owner]
        for name in [n for n, served in self._served.items() if served <= self._now]:
            if name not in self._waiting:
                del self._served[name]
