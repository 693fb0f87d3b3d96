"""Grids: submitted as one, painted cell by cell like any job, watched and cancelled as one."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engine.devices.dispatcher import Dispatcher
from engine.errors import InvalidRequest, NotYours, UnknownJob
from engine.grids.layout import MAX_CELLS, Grid, GridLayout, GridProgress
from engine.jobs.events import JobEvents, watch_job
from engine.jobs.job import Job, JobEvent, JobState
from engine.jobs.recipe import Recipe
from engine.jobs.request import ImageRequest
from engine.jobs.requester import Requester
from engine.jobs.submission import JobSubmission
from engine.store import GridTable, JobTable
from engine.tasks import Tasks
from speech import say


@dataclass(frozen=True, slots=True)
class GridEstimate:
    """What a grid would take.

    Attributes:
        recipes: The recipe of each cell.
        seconds: Until the last cell would be painted; `None` if nothing was measured yet.
    """

    recipes: tuple[Recipe, ...]
    seconds: float | None


class Grids:
    """Each cell is a job of its own, so none is painted twice if the program stops in between."""

    def __init__(
        self,
        table: GridTable,
        jobs: JobTable,
        job_events: JobEvents,
        dispatcher: Dispatcher,
        submission: JobSubmission,
    ) -> None:
        self._table = table
        self._jobs = jobs
        self._job_events = job_events
        self._dispatcher = dispatcher
        self._submission = submission

    async def estimate(
        self, requests: Sequence[ImageRequest], requester: Requester
    ) -> GridEstimate:
        """What `submit` would paint, and how long that would take. Raises as `submit` does."""
        _check_cells(requests)
        recipes = await self._submission.check(requests, requester, as_one=True)
        ordered = [recipes[cell] for cell in painting_order(recipes)]
        seconds = await self._dispatcher.forecast(requester.owner, ordered)
        return GridEstimate(tuple(recipes), seconds)

    async def submit(
        self, layout: GridLayout, requests: Sequence[ImageRequest], requester: Requester
    ) -> Grid:
        """Queue a grid; when this returns, it survives a restart.

        Args:
            layout: Its axes.
            requests: One for each cell, row by row, each for one picture.
            requester: Who asks. The grid counts as one waiting job, and as many pictures as it
                has.

        Raises:
            AtelierError: As `Studio.submit_all` does.
        """
        _check_cells(requests)
        async with self._submission.admission(requests, requester, as_one=True) as recipes:
            order = painting_order(recipes)
            grid, jobs = await self._table.add(requester, layout, recipes, order)
            for job in jobs:
                self._dispatcher.push(job)
        return grid

    async def get(self, grid_id: int) -> Grid:
        """The grid of that number. Raises `UnknownJob`."""
        return await self._table.get(grid_id)

    async def cells(self, grid_id: int) -> dict[int, Job]:
        """The jobs of a grid by their cells, without those that were deleted.

        Raises:
            UnknownJob: When all of them were.
        """
        cells = await self._table.cells(grid_id)
        if not cells:
            raise UnknownJob(say("Grid {number} doesn't exist.", number=grid_id))
        return cells

    async def undelivered(self) -> list[Grid]:
        """Grids whose outcome has not been shown yet, oldest first: to be resumed at a start."""
        return await self._table.undelivered()

    async def set_message_ref(self, grid_id: int, message_ref: Any) -> None:
        """Update where the answer is."""
        await self._table.set_message_ref(grid_id, message_ref)

    async def mark_delivered(self, grid_id: int) -> None:
        """Record that the outcome has been shown."""
        await self._table.mark_delivered(grid_id)

    async def get_for(self, grid_id: int, by: str | None) -> Grid:
        """The grid, if `by` may act on it.

        Args:
            grid_id: Which grid.
            by: Who acts: the owner, or `None` for someone who may act on any grid.

        Raises:
            UnknownJob: When there is no such grid.
            NotYours: When `by` is not its owner.
        """
        grid = await self._table.get(grid_id)
        if by is not None and grid.owner != by:
            raise NotYours(
                say("Only the person who requested grid {number} can do that.", number=grid_id)
            )
        return grid

    async def cancel(self, grid_id: int, by: str | None = None) -> bool:
        """Cancel the cells that aren't painted yet; the arguments are those of `get_for`.

        Returns:
            Whether there was anything left to cancel.
        """
        await self.get_for(grid_id, by)
        cells = await self._table.cells(grid_id)
        # Last cells first: otherwise the next one would start while one is being cancelled.
        cancelled = [
            await self._dispatcher.cancel(job.id)
            for job in sorted(cells.values(), key=lambda job: -job.id)
            if job.state.waiting
        ]
        return any(cancelled)

    async def watch(self, grid_id: int) -> AsyncGenerator[GridProgress, None]:
        """Yield the progress of a grid and then each change, until it is complete.

        The iteration also ends, with an incomplete value, when the program stops. Slow watchers
        skip values.
        """
        latest: dict[int, JobEvent] = {}
        watched = {job.id for job in (await self._table.cells(grid_id)).values()}
        changed, tasks = asyncio.Event(), Tasks()
        if not watched:
            yield GridProgress(total=0, finished=0)
            return

        async def watch(job_id: int) -> None:
            try:
                with suppress(UnknownJob):
                    async for event in watch_job(self._jobs, self._job_events, job_id):
                        latest[job_id] = event
                        changed.set()
                    return
                latest.pop(job_id, None)  # it was deleted
            finally:
                watched.discard(job_id)
                changed.set()

        for job_id in list(watched):
            tasks.start(watch(job_id), f"watch job {job_id} of grid {grid_id}")
        try:
            ended = False
            while not ended:
                await changed.wait()
                changed.clear()
                ended = not watched
                yield _progress(latest.values(), {*watched, *latest})
        finally:
            await tasks.cancel()


def _check_cells(requests: Sequence[ImageRequest]) -> None:
    """Raise `InvalidRequest` unless the requests can be the cells of a grid."""
    if not 2 <= len(requests) <= MAX_CELLS:
        raise InvalidRequest(
            say(
                "A grid has 2 to {most} pictures; this one would have {count}.",
                most=MAX_CELLS,
                count=len(requests),
            )
        )
    if any(request.count != 1 for request in requests):
        raise InvalidRequest(
            say("Each cell of a grid is one picture. Don't ask for more than one.")
        )


def painting_order(recipes: Sequence[Recipe]) -> list[int]:
    """The cells in an order that loads each model once and keeps batches together."""
    models: dict[object, int] = {}
    batches: dict[object, int] = {}
    keys = []
    for recipe in recipes:
        batch = (recipe.model, recipe.width, recipe.height, recipe.adapters)
        model = models.setdefault(recipe.model, len(models))
        keys.append((model, batches.setdefault(batch, len(batches))))
    return sorted(range(len(recipes)), key=keys.__getitem__)


def _progress(events: Iterable[JobEvent], jobs: set[int]) -> GridProgress:
    events = list(events)
    finished = [event for event in events if not event.state.waiting]
    waiting = [event for event in events if event.state.waiting]
    steps = sum(event.step / event.total_steps for event in waiting if event.total_steps)
    positions = [event.position for event in waiting if event.position is not None]
    times = [event.seconds_left for event in waiting if event.seconds_left is not None]
    running = any(event.state is JobState.RUNNING for event in events)
    return GridProgress(
        total=len(jobs),
        finished=len(finished),
        share=(len(finished) + steps) / max(1, len(jobs)),
        started=running or bool(finished),
        position=min(positions, default=None),
        seconds_left=max(times, default=None),
    )
