"""The fair queue: who is served next.

Start-time fair queueing (Goyal, Vin and Cheng, 1996): every owner has a virtual clock that
advances by the cost of what the owner was served, in model calls. The owner whose clock is
furthest behind is next. An owner who comes back after a pause starts at the current virtual time,
so pauses earn no credit. One person's fifty jobs therefore never delay another's one by more than
the running job.

A job's turn is at its owner's clock plus the cost of the owner's jobs ahead of it, so the order is
known without being simulated. Serving the next one changes no other turn. What is kept sorted is
the first turn of each owner for each model: that a job is queued, served or taken out costs the
logarithm of what waits.

The queue is plain data for one event loop; nothing in it waits or locks.
"""

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from engine.jobs.job import Job
from engine.jobs.line import OwnerLine

Turn = tuple[float, int, str]
"""When a job is served, in virtual time; its number; its owner."""

Line = Iterator[tuple[Turn, Job]]


class FairQueue:
    """Waiting jobs in fair order."""

    def __init__(self) -> None:
        self._waiting: dict[str, OwnerLine] = {}
        self._served: dict[str, float] = {}
        self._now = 0.0
        self._owners: dict[int, str] = {}
        self._scopes: Counter[str] = Counter()
        self._turns: dict[str | None, list[Turn]] = {}
        self._first: dict[tuple[str, str | None], Turn] = {}
        self._away: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._owners)

    def __contains__(self, job_id: int) -> bool:
        return job_id in self._owners

    @property
    def models(self) -> Collection[str | None]:
        """What the waiting jobs are painted with; `None` is no model."""
        return self._turns.keys()

    @property
    def firsts(self) -> list[Job]:
        """The first job for each model, in the order of their turns."""
        turns = sorted(turns[0] for turns in self._turns.values())
        return [self._waiting[owner].jobs[job_id] for _, job_id, owner in turns]

    def of_owner(self, owner: str) -> Collection[Job]:
        """The waiting jobs of an owner."""
        line = self._waiting.get(owner)
        return line.jobs.values() if line else ()

    def number_of_scope(self, scope: str) -> int:
        """How many jobs wait that were asked for in `scope`."""
        return self._scopes[scope]

    def push(self, job: Job) -> None:
        """Queue `job` behind the other jobs of its owner."""
        line = self._waiting.get(job.owner)
        if line is None:
            self._served[job.owner] = self._clock_of(job.owner)
            line = self._waiting[job.owner] = OwnerLine()
        line.append(job)
        self._note(job)
        self._settle(job.owner, (job.recipe.model_needed,))

    def put_back(self, job: Job) -> None:
        """Queue a job that was served in front of its owner's others, as if it hadn't been."""
        clock = self._clock_of(job.owner)
        others = self.of_owner(job.owner)
        line = self._waiting[job.owner] = OwnerLine((job, *others))
        self._served[job.owner] = clock - job.cost
        self._note(job)
        self._settle(job.owner, line.lanes)

    def remove(self, job_id: int) -> Job | None:
        """Remove the job and return it; `None` if it isn't queued."""
        if (owner := self._owners.get(job_id)) is None:
            return None
        return self._take_out(self._waiting[owner].jobs[job_id])

    def serve(self, job: Job) -> None:
        """Take a waiting job out and charge its owner. Raises `KeyError` if it doesn't wait."""
        self._now = max(self._now, self._served[job.owner])
        self._served[job.owner] += job.cost
        self._take_out(job)

    def start_level(self) -> None:
        """Nothing waits and nothing runs: every owner starts equal again."""
        self._now = max(self._served.values(), default=self._now)
        self._served.clear()
        self._away.clear()

    def order(self, extra: Sequence[Job] = ()) -> list[Job]:
        """All waiting jobs in the order in which they will be served if no others are queued."""
        return list(self.walk(extra=extra))

    def walk(
        self, models: Collection[str | None] | None = None, extra: Sequence[Job] = ()
    ) -> Iterator[Job]:
        """The waiting jobs in the order in which they will be served if no others are queued.

        Each one costs the logarithm of what was walked over. The queue must not change meanwhile.

        Args:
            models: Only jobs for these models; for all if omitted.
            extra: More jobs, placed as if they had just been queued.
        """
        lanes = [turns for model, turns in self._turns.items() if models is None or model in models]
        firsts = heapq.merge(*lanes)
        begun: list[tuple[Turn, Job, Line]] = []
        for line in self._lines(extra):
            _advance(begun, line)
        first = next(firsts, None)
        while first or begun:
            if first and not (begun and begun[0][0] < first):
                _advance(begun, self._lane(first))
                first = next(firsts, None)
            _, job, line = heapq.heappop(begun)
            yield job
            _advance(begun, line)

    def _lane(self, first: Turn) -> Line:
        """An owner's jobs for a model, from the first one on."""
        _, job_id, owner = first
        line, clock = self._waiting[owner], self._served[owner]
        lane = line.lane(line.jobs[job_id].recipe.model_needed)
        return (((clock + ahead, job.id, owner), job) for ahead, job in lane)

    def _lines(self, jobs: Sequence[Job]) -> Iterator[Line]:
        """Jobs that don't wait, by owner, at the turns that they would have."""
        by_owner: dict[str, list[tuple[Turn, Job]]] = {}
        for job in jobs:
            line = by_owner.setdefault(job.owner, [])
            if line:
                turn = line[-1][0][0] + line[-1][1].cost
            else:
                waiting = self._waiting.get(job.owner)
                turn = self._clock_of(job.owner) + (waiting.total if waiting else 0.0)
            line.append(((turn, job.id, job.owner), job))
        return map(iter, by_owner.values())

    def _clock_of(self, owner: str) -> float:
        """The owner's clock; not behind the virtual time for an owner without waiting jobs."""
        served = self._served.get(owner, 0.0)
        return served if owner in self._waiting else max(served, self._now)

    def _note(self, job: Job) -> None:
        self._owners[job.id] = job.owner
        self._scopes[job.scope] += 1

    def _take_out(self, job: Job) -> Job:
        line = self._waiting[job.owner]
        line.remove(job.id)
        del self._owners[job.id]
        self._scopes[job.scope] -= 1
        if not self._scopes[job.scope]:
            del self._scopes[job.scope]
        self._settle(job.owner, {job.recipe.model_needed, *line.lanes})
        if not line:
            del self._waiting[job.owner]
            heapq.heappush(self._away, (self._served[job.owner], job.owner))
        self._forget_owners()
        return job

    def _settle(self, owner: str, models: Collection[str | None]) -> None:
        """Keep the first turns of an owner for these models sorted."""
        line, clock = self._waiting[owner], self._served[owner]
        for model in models:
            key, turn = (owner, model), None
            if lane := line.lanes.get(model):
                first = next(iter(lane))
                turn = clock + line.ahead(first), first, owner
            before = self._first.get(key)
            if turn == before:
                continue
            turns = self._turns.setdefault(model, [])
            if before is not None:
                del turns[bisect_left(turns, before)]
                del self._first[key]
            if turn is not None:
                insort(turns, turn)
                self._first[key] = turn
            elif not turns:
                del self._turns[model]

    def _forget_owners(self) -> None:
        """Drop clocks behind the virtual time: their owners would start at that time anyway."""
        while self._away and self._away[0][0] <= self._now:
            _, owner = heapq.heappop(self._away)
            if owner not in self._waiting and self._served.get(owner, self._now + 1) <= self._now:
                del self._served[owner]


def _advance(begun: list[tuple[Turn, Job, Line]], line: Line) -> None:
    """Have the next job of a line compete with those of the others."""
    if (found := next(line, None)) is not None:
        heapq.heappush(begun, (*found, line))
