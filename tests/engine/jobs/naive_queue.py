"""The fair queue as it's plainly right: every order is simulated from the start."""

from collections.abc import Sequence

from engine.jobs.job import Job


class NaiveQueue:
    """What `FairQueue` has to equal, at a cost that grows with all that waits."""

    def __init__(self) -> None:
        self.lines: dict[str, list[Job]] = {}
        self.clocks: dict[str, float] = {}
        self.now = 0.0

    def push(self, job: Job) -> None:
        if not self.lines.get(job.owner):
            self.clocks[job.owner] = self._clock(job.owner)
        self.lines.setdefault(job.owner, []).append(job)

    def put_back(self, job: Job) -> None:
        self.clocks[job.owner] = self._clock(job.owner) - job.cost
        self.lines.setdefault(job.owner, []).insert(0, job)

    def remove(self, job_id: int) -> None:
        for line in self.lines.values():
            line[:] = [job for job in line if job.id != job_id]

    def serve(self, job: Job) -> None:
        self.now = max(self.now, self.clocks[job.owner])
        self.clocks[job.owner] += job.cost
        self.lines[job.owner].remove(job)

    def order(self, extra: Sequence[Job] = ()) -> list[Job]:
        lines = {owner: list(line) for owner, line in self.lines.items()}
        clocks = {owner: self._clock(owner) for owner in lines}
        for job in extra:
            clocks.setdefault(job.owner, self._clock(job.owner))
            lines.setdefault(job.owner, []).append(job)
        ordered = []
        while any(lines.values()):
            first = min(
                (clocks[owner], line[0].id, owner) for owner, line in lines.items() if line
            )[2]
            job = lines[first].pop(0)
            clocks[first] += job.cost
            ordered.append(job)
        return ordered

    def _clock(self, owner: str) -> float:
        clock = self.clocks.get(owner, 0.0)
        return clock if self.lines.get(owner) else max(clock, self.now)
