"""When each job is likely to be done: positions in the queue and seconds left."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from engine.jobs.device_load import DeviceLoad
from engine.jobs.job import Job, JobEvent, JobState
from engine.jobs.outlook import Outlook
from engine.jobs.queue import FairQueue
from engine.jobs.recipe import Recipe
from engine.jobs.step_times import share_computed
from engine.models.availability import ModelAvailability

FORECAST_ID = 2**62
"""From here on, numbers of jobs that don't exist yet; they are behind all others."""


FORECAST_JOBS = 10_000
"""Nothing is foreseen beyond so many jobs."""


class EtaCalculator:
    """Looks ahead over the running and the queued jobs."""

    def __init__(self, queue: FairQueue, availability: ModelAvailability) -> None:
        self._queue = queue
        self._availability = availability

    def queued(
        self,
        loads: Collection[DeviceLoad],
        extra: Sequence[Job] = (),
        timed: int | None = None,
    ) -> Iterator[JobEvent]:
        """The position and seconds left of each queued job, in the order of their turns.

        Args:
            loads: The devices; each job is counted where it would be finished first.
            extra: Jobs that are counted as if they had just been queued.
            timed: Of how many the seconds are worked out; of all if omitted.
        """
        outlook, pending = Outlook(loads), self._availability.pending
        for position, job in enumerate(self._queue.walk(extra=extra), start=1):
            event = replace(queued_event(job), position=position)
            model = job.recipe.model_needed
            if timed is not None and position > timed:
                yield event
            elif (best := outlook.best(job)) is not None:
                yield replace(event, seconds_left=best.place(job))
            elif model is not None and model in pending:
                yield replace(event, downloading=True, downloaded=pending[model])
            else:
                yield event

    def seconds_left(self, job: Job, done: float, load: DeviceLoad) -> float | None:
        """Seconds until `job`, one that runs on a device, is painted; `done` (0 to 1) of it is."""
        if job.recipe.model_needed is None:
            return None
        step = load.times.step(job.recipe, min(load.pictures, load.batch_size))
        if step is None:
            return None
        calls = job.cost / job.recipe.count * (1 - done) * share_computed(job.recipe)
        return step * calls * max(1.0, load.pictures / load.batch_size)

    def forecast(
        self, owner: str, recipes: Sequence[Recipe], loads: Collection[DeviceLoad]
    ) -> float | None:
        """Seconds until jobs of `owner` for all of `recipes` would be painted, if queued now.

        `None` when that isn't known, or when files have to be downloaded first.
        """
        if not all(self._availability.on_disk(recipe.model) for recipe in recipes):
            return None
        jobs = [
            Job(
                id=FORECAST_ID + number,
                owner=owner,
                message_ref=None,
                recipe=recipe,
                state=JobState.QUEUED,
                created_at=0.0,
            )
            for number, recipe in enumerate(recipes)
        ]
        last = 0.0
        waited_for = {job.id for job in jobs}
        for event in islice(self.queued(loads, jobs), FORECAST_JOBS):
            if event.job_id not in waited_for:
                continue
            if event.seconds_left is None:
                return None
            last = max(last, event.seconds_left)
            waited_for.discard(event.job_id)
            if not waited_for:
                return last
        return None


def queued_event(job: Job) -> JobEvent:
    """The event of a job that was just queued."""
    return JobEvent(job_id=job.id, state=JobState.QUEUED, total_steps=job.cost)
