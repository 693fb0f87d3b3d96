"""The outlook: where every job stands that waits, and when it is likely to be painted."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from engine.jobs.events import JobEvents
from engine.jobs.job import Job, JobEvent, JobState
from engine.jobs.queue import FairQueue
from engine.jobs.request import Recipe
from engine.jobs.step_times import StepTimes
from engine.models.download_manager import DownloadManager

LAST = 2**62
"""A number that no job has: of those that only might come, which are behind all others."""


class EtaCalculator:
    """Looks ahead over the jobs that are painted now and those that wait."""

    def __init__(
        self,
        queue: FairQueue,
        job_events: JobEvents,
        step_times: StepTimes,
        download_manager: DownloadManager,
        batch_size: int,
    ) -> None:
        self._queue = queue
        self._job_events = job_events
        self._step_times = step_times
        self._download_manager = download_manager
        self._batch_size = batch_size

    def waiting(self, running: Collection[Job], extra: Sequence[Job] = ()) -> Iterator[JobEvent]:
        """Where every waiting job stands, in the order of their turns, while `running` go first.

        Those of `extra` stand among them as if they had just come.
        """
        known = True
        seconds = 0.0
        in_use = None
        for job in running:
            event = self._job_events.get(job.id)
            done = event.step / event.total_steps if event and event.total_steps else 0.0
            estimate = self._step_times.painting(job.recipe)
            known = known and estimate is not None
            seconds += (estimate or 0.0) * (1 - done)
            in_use = job.recipe.model
        for position, job in enumerate(self._queue.order(extra), start=1):
            if job.recipe.model in self._download_manager.coming:
                come = self._download_manager.coming[job.recipe.model]
                yield replace(
                    queued_event(job), position=position, downloading=True, downloaded=come
                )
                continue
            estimate = self._step_times.painting(job.recipe)
            known = known and estimate is not None
            seconds += estimate or 0.0
            if job.recipe.model != in_use:
                seconds += self._step_times.loading(job.recipe.model)
                in_use = job.recipe.model
            left = seconds if known else None
            yield replace(queued_event(job), position=position, seconds_left=left)

    def seconds_left(self, job: Job, done: float, running: Collection[Job]) -> float | None:
        """Seconds until `job`, one of `running`, is painted; `done` (0 to 1) is behind it."""
        rows = sum(each.recipe.count for each in running)
        step = self._step_times.step(job.recipe, min(rows, self._batch_size))
        if step is None:
            return None
        calls = job.cost / job.recipe.count * (1 - done)
        return step * calls * max(1.0, rows / self._batch_size)

    def forecast(
        self, owner: str, recipes: Sequence[Recipe], running: Collection[Job]
    ) -> float | None:
        """Seconds until jobs of `owner` for all of `recipes` would be painted, if they came now.

        `None` when that is not known: files that have to come first take nobody knows how long.
        """
        if any(recipe.model not in self._download_manager for recipe in recipes):
            return None
        jobs = [
            Job(
                id=LAST + number,
                owner=owner,
                message_ref=None,
                recipe=recipe,
                state=JobState.QUEUED,
                created_at=0.0,
            )
            for number, recipe in enumerate(recipes)
        ]
        events = {event.job_id: event for event in self.waiting(running, jobs)}
        return events[jobs[-1].id].seconds_left


def queued_event(job: Job) -> JobEvent:
    """That the job waits."""
    return JobEvent(job_id=job.id, state=JobState.QUEUED, total_steps=job.cost)
