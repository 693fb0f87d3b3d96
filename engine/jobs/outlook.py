"""Where a job is finished first, as foreseen: for giving jobs to devices, and for time left."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import inf

from engine.jobs.device_load import DeviceLoad
from engine.jobs.job import Job
from engine.jobs.step_times import same_time


@dataclass(slots=True)
class Foreseen:
    """What a device will have done, with the jobs that were placed there in thought.

    Attributes:
        load: What it has.
        number: Its place among the devices.
        seconds: Until it's free, without what isn't known.
        known: Whether all of that is known.
        pictures: That it has or is given.
        placed: Pictures that are to come later.
        model: Loaded once it's free.
        painting: The model that it must go on with now; `None` for any.
        is_open: Whether it can be given a job now.
    """

    load: DeviceLoad
    number: int
    seconds: float
    known: bool
    pictures: int
    placed: int
    model: str | None
    painting: str | None
    is_open: bool

    @classmethod
    def of(cls, load: DeviceLoad, number: int) -> "Foreseen":
        """What a device has now."""
        return cls(
            load=load,
            number=number,
            seconds=load.seconds,
            known=load.known,
            pictures=load.pictures,
            placed=0,
            model=load.model,
            painting=load.painting,
            is_open=load.is_open,
        )

    @property
    def share(self) -> float:
        """How much it has to do, in full batches."""
        return (self.pictures + self.placed) / self.load.batches.of(self.painting)

    def starts(self, job: Job) -> bool:
        """Whether it can begin with a job now: what needs no model fits beside any."""
        needed = job.recipe.model_needed
        return self.is_open and (self.painting is None or needed in (None, self.painting))

    def has_loaded(self, model: str) -> bool:
        """Whether it begins with a job for `model` without loading it: now, or once it's free."""
        return model == self.model or (self.is_open and model == self.painting)

    def paint_seconds(self, job: Job) -> float:
        """Seconds for `job` alone, with loading its model; without what isn't known."""
        if (model := job.recipe.model_needed) is None:
            return 0.0
        loading = 0.0 if self.has_loaded(model) else self.load.times.load(model)
        return loading + (self.load.times.job(job.recipe) or 0.0)

    def place(self, job: Job) -> float | None:
        """Add a job that it's to paint later; returns in how many seconds that is done, if known.

        Work of a network is done within seconds, beside whatever is painted.
        """
        self.placed += job.recipe.count
        if (model := job.recipe.model_needed) is None:
            return None
        self.known = self.known and self.load.times.job(job.recipe) is not None
        self.seconds += self.paint_seconds(job)
        self.model = model
        return self.seconds if self.known else None

    def give(self, job: Job) -> None:
        """Add a job that it's given now."""
        self.place(job)
        self.placed -= job.recipe.count
        self.pictures += job.recipe.count
        self.painting = self.painting or job.recipe.model_needed
        self.is_open = self.is_open and self.pictures < self.load.batches.of(self.painting)


class Outlook:
    """All devices with what they will have done. Times are those of the moment it's made."""

    def __init__(self, loads: Collection[DeviceLoad]) -> None:
        self._all = [Foreseen.of(load, n) for n, load in enumerate(loads) if load.counts]
        self._painting: dict[tuple[object, ...], Mapping[int, float]] = {}
        self._loading: dict[str, Mapping[int, float]] = {}

    def __iter__(self) -> Iterator[Foreseen]:
        return iter(self._all)

    def best(self, job: Job, *, now: bool = False) -> Foreseen | None:
        """The device that finishes `job` first; `None` if there is none.

        A time that isn't known counts as the shortest that is. Of several equal ones it's one that
        can begin now, that has the model loaded, that has less to do, that was attached first.

        Args:
            job: A waiting job.
            now: Whether only devices are considered that can begin now.
        """
        able = [one for one in self._all if one.load.can_paint(job)]
        model = job.recipe.model_needed
        if now or model is None:
            starting = [one for one in able if one.starts(job)]
            able = starting if now or starting else able
        if len(able) < 2:
            return able[0] if able else None
        if model is None:
            return min(able, key=lambda one: (one.share, one.number))
        painting, loading = self._painting_seconds(job), self._loading_seconds(model)
        shortest = min(
            (painting[one.number] for one in able if one.number in painting), default=0.0
        )
        best, best_rank = able[0], (inf, True, True, 0.0)
        for one in able:
            loaded = one.has_loaded(model)
            finish = one.seconds + painting.get(one.number, shortest)
            finish += 0.0 if loaded else loading[one.number]
            if finish > best_rank[0]:
                continue
            rank = finish, not one.starts(job), not loaded, one.share
            if rank < best_rank:
                best, best_rank = one, rank
        return best

    def _painting_seconds(self, job: Job) -> Mapping[int, float]:
        """Seconds for `job` alone, by the numbers of the devices where they are known."""
        key = same_time(job.recipe)
        if key not in self._painting:
            found = ((one.number, one.load.times.job(job.recipe)) for one in self._all)
            self._painting[key] = {n: seconds for n, seconds in found if seconds is not None}
        return self._painting[key]

    def _loading_seconds(self, model: str) -> Mapping[int, float]:
        """Seconds to load `model`, by the numbers of the devices."""
        if model not in self._loading:
            self._loading[model] = {one.number: one.load.times.load(model) for one in self._all}
        return self._loading[model]
