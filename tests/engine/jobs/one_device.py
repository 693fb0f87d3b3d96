"""A queue with one device that takes a job at a time, as the dispatcher gives them out."""

from collections.abc import Collection

from engine.jobs.assignment import JobAssignment
from engine.jobs.batch_sizes import BatchSizes
from engine.jobs.device_load import DeviceLoad
from engine.jobs.job import Job
from engine.jobs.queue import FairQueue
from engine.jobs.step_times import StepTimes
from engine.memory.profiles import ProfileStore
from tests.clock import Clock
from tests.engine.builders import job


class OneDevice(FairQueue):
    """The queue, and what the device is given of it; its clock is turned by hand."""

    def __init__(self, patience: float, clock: Clock) -> None:
        super().__init__()
        self._without: Collection[str] = ()
        self._assignment = JobAssignment(self, patience, clock)
        times = StepTimes(ProfileStore(), batches := BatchSizes(2))
        self._load = DeviceLoad("cpu", batches, times, self._can_paint)

    def take(self, model: str | None, without: Collection[str] = ()) -> Job | None:
        """The next job for the device, which paints with `model`; `None` if it gets none.

        Args:
            model: What the job that runs there needs; `None` if none does.
            without: Models of jobs that can't be painted yet.
        """
        self._without = without
        for running in list(self._load.running):
            self._load.end(running)
        if model is not None:
            self._load.begin(job(10**9, "somebody", model=model))
        for found, _ in self._assignment.decide([self._load]):
            self.serve(found)
            return found
        if model is None and not self:
            self.start_level()
        return None

    def _can_paint(self, asked: Job) -> bool:
        return asked.recipe.model_needed not in self._without
