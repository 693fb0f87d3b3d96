"""The outlook: where every job stands that waits, and when it is likely to be painted."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from engine.jobs.events import Board
from engine.jobs.step_times import Estimates
from engine.jobs.job import Job, JobEvent, JobState
from engine.jobs.queue import FairQueue
from engine.jobs.request import Recipe
from engine.models.download_manager import Supplies

LAST = 2**62
"""A number that no job has: of those that only might come, which are behind all others."""


class Outlook:
    """Looks ahead over the jobs that are painted now and those that wait."""

    def __init__(
        self,
        queue: FairQueue,
        board: Board,
        estimates: Estimates,
        supplies: Supplies,
        batch_size: int,
    ) -> None:
        self._queue = queue
        self._board = board
        self._estimates = estimates
        self._supplies = supplies
        self._batch_size = batch_size

    def waiting(self, running: Collection[Job], extra: Sequence[Job] = ()) -> Iterator[JobEvent]:
        """Where every waiting job stands, in the order of their turns, while `running` go first.

        Those of `extra` stand among them as if they had just come.
        """
        known = True
        seconds = 0.0
        in_use = None
        for job in running:
            event = self._board.get(job.id)
            done = event.step / event.total_steps if event and event.total_steps else 0.0
            estimate = self._estimates.painting(job.recipe)
            known = known and estimate is not None
            seconds += (estimate or 0.0) * (1 - done)
            in_use = job.recipe.model
        for position, job in enumerate(self._queue.order(extra), start=1):
            if job.recipe.model in self._supplies.coming:
                come = self._supplies.coming[job.recipe.model]
                yield replace(queued(job), position=position, coming=True, come=come)
                continue
            estimate = self._estimates.painting(job.recipe)
            known = known and estimate is not None
            seconds += estimate or 0.0
            if job.recipe.model != in_use:
                seconds += self._estimates.loading(job.recipe.model)
                in_use = job.recipe.model
            left = seconds if known else None
            yield replace(queued(job), position=position, seconds_left=left)

    def seconds_left(self, job: Job, done: float, running: Collection[Job]) -> float | None:
        """Seconds until `job`, one of `running`, is painted; `done` (0 to 1) is behind it."""
        rows = sum(each.recipe.count for each in running)
        step = self._estimates.step(job.recipe, min(rows, self._batch_size))
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
        if any(recipe.model not in self._supplies for recipe in recipes):
            return None
        jobs = [
            Job(
                id=LAST + number,
                owner=owner,
                home=None,
                recipe=recipe,
                state=JobState.QUEUED,
                created_at=0.0,
            )
            for number, recipe in enumerate(recipes)
        ]
        events = {event.job_id: event for event in self.waiting(running, jobs)}
        return events[jobs[-1].id].seconds_left


def queued(job: Job) -> JobEvent:
    """That the job waits."""
    return JobEvent(job_id=job.id, state=JobState.QUEUED, total_steps=job.cost)
