"""One owner's waiting jobs, and what those ahead of each of them cost."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping

from engine.jobs.job import Job

LEAST_ROOM = 16
"""Places of jobs that have left may always stay behind."""


class OwnerLine:
    """Jobs in the order of asking; those that need the same model are in a lane of that model.

    The costs are in a binary indexed tree (Fenwick, 1994), so that whatever is asked or changed
    takes time with the logarithm of the line's length.

    Attributes:
        jobs: The jobs by number, first the next one.
        total: What they cost together.
    """

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self._fill(jobs)

    def __len__(self) -> int:
        return len(self.jobs)

    @property
    def lanes(self) -> Mapping[str | None, OrderedDict[int, Job]]:
        """The jobs that need each model; none is empty."""
        return self._lanes

    def _fill(self, jobs: Iterable[Job]) -> None:
        self.jobs: OrderedDict[int, Job] = OrderedDict()
        self.total = 0.0
        self._lanes: dict[str | None, OrderedDict[int, Job]] = {}
        self._places: dict[int, int] = {}
        self._tree = [0.0]
        for job in jobs:
            self.append(job)

    def append(self, job: Job) -> None:
        """Put a job behind the others."""
        place = len(self._tree)
        cost, below = float(job.cost), place - 1
        self.total += cost
        while below > place - (place & -place):
            cost += self._tree[below]
            below -= below & -below
        self._tree.append(cost)
        self._places[job.id] = place
        self.jobs[job.id] = job
        self._lanes.setdefault(job.recipe.model_needed, OrderedDict())[job.id] = job

    def remove(self, job_id: int) -> Job:
        """Take a job out of the line. Raises `KeyError`."""
        job = self.jobs.pop(job_id)
        cost, place, end = job.cost, self._places.pop(job_id), len(self._tree)
        self.total -= cost
        while place < end:
            self._tree[place] -= cost
            place += place & -place
        lane = self._lanes[job.recipe.model_needed]
        del lane[job_id]
        if not lane:
            del self._lanes[job.recipe.model_needed]
        if len(self._tree) > LEAST_ROOM + 2 * len(self.jobs):
            self._fill(list(self.jobs.values()))
        return job

    def ahead(self, job_id: int) -> float:
        """What the jobs ahead of this one cost."""
        cost, place = 0.0, self._places[job_id] - 1
        while place > 0:
            cost += self._tree[place]
            place -= place & -place
        return cost

    def lane(self, model: str | None) -> Iterator[tuple[float, Job]]:
        """The jobs that need `model`, each with the cost of all that are ahead of it."""
        return ((self.ahead(job.id), job) for job in self._lanes[model].values())
