"""When each job is likely to be done: positions in the queue and seconds left."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from engine.jobs.events import JobEvents
from engine.jobs.job import Job, JobEvent, JobState
from engine.jobs.queue import FairQueue
from engine.jobs.request import Recipe
from engine.jobs.step_times import StepTimes
from engine.models.availability import ModelAvailability

FORECAST_ID = 2**62
"""From here on, numbers of jobs that don't exist yet; they are behind all others."""


class EtaCalculator:
    """Looks ahead over the running and the queued jobs."""

    def __init__(
        self,
        queue: FairQueue,
        job_events: JobEvents,
        step_times: StepTimes,
        availability: ModelAvailability,
        batch_size: int,
    ) -> None:
        self._queue = queue
        self._job_events = job_events
        self._step_times = step_times
        self._availability = availability
        self._batch_size = batch_size

    def queued(self, running: Collection[Job], extra: Sequence[Job] = ()) -> Iterator[JobEvent]:
        """The position and seconds left of each queued job, in the order of their turns.

        Args:
            running: The jobs that the device has; they go first.
            extra: Jobs that are counted as if they had just been queued.
        """
        known = True
        seconds = 0.0
        in_use = None
        for job in running:
            event = self._job_events.get(job.id)
            done = event.step / event.total_steps if event and event.total_steps else 0.0
            estimate = self._step_times.job(job.recipe)
            known = known and estimate is not None
            seconds += (estimate or 0.0) * (1 - done)
            in_use = job.recipe.model
        for position, job in enumerate(self._queue.order(extra), start=1):
            model = job.recipe.model
            if model in self._availability.pending:
                share = self._availability.pending[model]
                yield replace(
                    queued_event(job), position=position, downloading=True, downloaded=share
                )
                continue
            estimate = self._step_times.job(job.recipe)
            known = known and estimate is not None
            seconds += estimate or 0.0
            if model != in_use:
                seconds += self._step_times.load(model)
                in_use = model
            left = seconds if known else None
            yield replace(queued_event(job), position=position, seconds_left=left)

    def seconds_left(self, job: Job, done: float, running: Collection[Job]) -> float | None:
        """Seconds until `job`, one of `running`, is painted; `done` (0 to 1) of it is."""
        pictures = sum(each.recipe.count for each in running)
        step = self._step_times.step(job.recipe, min(pictures, self._batch_size))
        if step is None:
            return None
        calls = job.cost / job.recipe.count * (1 - done)
        return step * calls * max(1.0, pictures / self._batch_size)

    def forecast(
        self, owner: str, recipes: Sequence[Recipe], running: Collection[Job]
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
        events = {event.job_id: event for event in self.queued(running, jobs)}
        return events[jobs[-1].id].seconds_left


def queued_event(job: Job) -> JobEvent:
    """The event of a job that was just queued."""
    return JobEvent(job_id=job.id, state=JobState.QUEUED, total_steps=job.cost)
