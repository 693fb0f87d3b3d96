"""What one device is doing, as far as it matters for what it's given next."""

from collections.abc import Callable

from engine.jobs.batch_sizes import BatchSizes
from engine.jobs.job import Job
from engine.jobs.step_times import StepTimes


class DeviceLoad:
    """The jobs of one device, and for how long they keep it busy.

    Attributes:
        name: Of the device.
        batches: How many pictures it paints side by side.
        times: What takes how long there.
        can_paint: Whether it has what a job needs.
        accepts: Whether it asks for work now.
        running: The jobs that it has, by number.
        pictures: How many pictures it's painting.
        painting: The model that paints the running jobs; `None` if none has to.
        seconds: Until what it has is painted, without what isn't known.
        known: Whether it's known of all its jobs how long they take.
        model: The model that it painted with last; nothing has to be loaded for that one.
        paused: Whether it takes no more jobs for now.
        kept_out_since: Since when jobs for the model in use overtake one for another model.
    """

    def __init__(
        self,
        name: str,
        batches: BatchSizes,
        times: StepTimes,
        can_paint: Callable[[Job], bool] = lambda job: True,
        accepts: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self.batches = batches
        self.times = times
        self.can_paint = can_paint
        self.accepts = accepts
        self.running: dict[int, Job] = {}
        self.model: str | None = None
        self.paused = False
        self.kept_out_since: float | None = None
        self._left: dict[int, float | None] = {}
        self._count()

    @property
    def batch_size(self) -> int:
        """How many pictures it paints side by side now."""
        return self.batches.of(self.painting)

    @property
    def is_open(self) -> bool:
        """Whether it can be given a job now."""
        return not self.paused and self.pictures < self.batch_size and self.accepts()

    @property
    def counts(self) -> bool:
        """Whether jobs can be expected to be painted here, now or after those that it has."""
        return not self.paused and (bool(self.running) or self.accepts())

    def begin(self, job: Job) -> None:
        """The device was given a job."""
        self.running[job.id] = job
        if job.recipe.model_needed is not None:
            self.model = job.recipe.model_needed
        self.progress(job, 0.0)

    def progress(self, job: Job, done: float) -> None:
        """That share of a running job, 0 to 1, is done."""
        seconds: float | None = 0.0  # a network is done within seconds
        if job.recipe.model_needed is not None:
            seconds = self.times.job(job.recipe)
        self._left[job.id] = None if seconds is None else seconds * (1 - done)
        self._count()

    def end(self, job_id: int) -> Job:
        """A job doesn't run any more. Raises `KeyError` if it didn't."""
        job = self.running.pop(job_id)
        del self._left[job_id]
        self._count()
        return job

    def _count(self) -> None:
        running, left = self.running.values(), self._left.values()
        self.pictures = sum(job.recipe.count for job in running)
        self.painting = next((m for job in running if (m := job.recipe.model_needed)), None)
        self.seconds = sum(filter(None, left))
        self.known = None not in left
