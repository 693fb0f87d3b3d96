"""Sheets: taken as one, painted cell by cell like any job, watched and called off as one."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engine.errors import InvalidRequest, NotYours, UnknownJob
from engine.grids.layout import MAX_CELLS, Grid, GridLayout, GridProgress
from engine.jobs.events import JobEvents
from engine.jobs.job import Job, JobEvent, JobState
from engine.jobs.rate_limits import RateLimits
from engine.jobs.request import ImageRequest, Recipe
from engine.jobs.submission import JobSubmission
from engine.jobs.watch import watch_job
from engine.store import GridTable, JobTable
from engine.tasks import Tasks
from engine.worker.worker import Worker
from speech import say


@dataclass(frozen=True, slots=True)
class GridEstimate:
    """What a sheet costs.

    Attributes:
        recipes: What its cells would show by now.
        seconds: Until the last one would be there; `None` when nothing is learned yet.
    """

    recipes: tuple[Recipe, ...]
    seconds: float | None


class Grids:
    """Each cell is a job of its own, so that none is painted twice, whatever ends the program."""

    def __init__(
        self,
        table: GridTable,
        jobs: JobTable,
        job_events: JobEvents,
        worker: Worker,
        submission: JobSubmission,
    ) -> None:
        self._table = table
        self._jobs = jobs
        self._job_events = job_events
        self._worker = worker
        self._submission = submission

    async def price(
        self,
        requests: Sequence[ImageRequest],
        *,
        owner: str,
        scope: str = "",
        rate_limits: RateLimits | None = None,
    ) -> GridEstimate:
        """What `submit` would paint by now, and raise; nothing is taken."""
        async with self._submission.lock:
            recipes = await self._recipes(requests, owner, scope, rate_limits)
            ordered = [recipes[cell] for cell in painting_order(recipes)]
            return GridEstimate(tuple(recipes), await self._worker.forecast(owner, ordered))

    async def submit(
        self,
        layout: GridLayout,
        requests: Sequence[ImageRequest],
        *,
        owner: str,
        message_ref: Any,
        scope: str = "",
        rate_limits: RateLimits | None = None,
    ) -> Grid:
        """Take a sheet; when this returns, it survives anything.

        Args:
            layout: Its axes.
            requests: What each cell shows, row by row, one picture each.
            owner: Who asks; to whom it counts as one job, and as many pictures as it has.
            message_ref: Where the answer belongs.
            scope: Where the requests come from.
            rate_limits: What the owner may use.

        Raises:
            AtelierError: As `Studio.submit` does, when one of the cells cannot be taken, or all
                together are too many.
        """
        async with self._submission.lock:
            recipes = await self._recipes(requests, owner, scope, rate_limits)
            grid, jobs = await self._table.add(
                owner, message_ref, layout, recipes, painting_order(recipes)
            )
            for job in jobs:
                self._worker.push(job)
        return grid

    async def get(self, grid_id: int) -> Grid:
        """The sheet of that number. Raises `UnknownJob`."""
        return await self._table.get(grid_id)

    async def cells(self, grid_id: int) -> dict[int, Job]:
        """The jobs of a sheet by their cells, at least one; those that were deleted are not in it.

        Raises:
            UnknownJob: When all of them were.
        """
        cells = await self._table.cells(grid_id)
        if not cells:
            raise UnknownJob(say("Grid {number} no longer exists.", number=grid_id))
        return cells

    async def unsettled(self) -> list[Grid]:
        """Sheets whose outcome has not been shown, oldest first: what to go on with at a start."""
        return await self._table.unsettled()

    async def set_message_ref(self, grid_id: int, message_ref: Any) -> None:
        """Remember where the answer is, now that more is known about it."""
        await self._table.set_message_ref(grid_id, message_ref)

    async def settle(self, grid_id: int) -> None:
        """Record that the outcome has been shown."""
        await self._table.settle(grid_id)

    async def owned(self, grid_id: int, by: str | None) -> Grid:
        """The sheet, if `by` may act on it: its owner, or `None` for who may act on any.

        Raises:
            UnknownJob: When there is no such sheet.
            NotYours: When `by` is not its owner.
        """
        grid = await self._table.get(grid_id)
        if by is not None and grid.owner != by:
            raise NotYours(
                say("Only the person who requested grid {number} can do that.", number=grid_id)
            )
        return grid

    async def cancel(self, grid_id: int, by: str | None = None) -> bool:
        """Call off what is not painted yet; the arguments are those of `owned`.

        Returns:
            Whether there still was anything to call off.
        """
        await self.owned(grid_id, by)
        cells = await self._table.cells(grid_id)
        # The last ones first: else the next would begin while the one before is called off.
        called_off = [
            await self._worker.cancel(job.id)
            for job in sorted(cells.values(), key=lambda job: -job.id)
            if job.state.waiting
        ]
        return any(called_off)

    async def watch(self, grid_id: int) -> AsyncGenerator[GridProgress, None]:
        """Yield how the sheet stands and then each change, until it is complete.

        It also ends when the program does: the last value is not complete then. Slow watchers
        skip values.
        """
        latest: dict[int, JobEvent] = {}
        following = {job.id for job in (await self._table.cells(grid_id)).values()}
        changed, tasks = asyncio.Event(), Tasks()
        if not following:
            yield GridProgress(total=0, over=0)
            return

        async def follow(job_id: int) -> None:
            try:
                with suppress(UnknownJob):  # it is deleted
                    async for event in watch_job(self._jobs, self._job_events, job_id):
                        latest[job_id] = event
                        changed.set()
                    return
                latest.pop(job_id, None)
            finally:
                following.discard(job_id)
                changed.set()

        for job_id in list(following):
            tasks.start(follow(job_id), f"follow the cell that is job {job_id}")
        try:
            ended = False
            while not ended:
                await changed.wait()
                changed.clear()
                ended = not following
                yield _progress(latest.values(), {*following, *latest})
        finally:
            await tasks.cancel()

    async def _recipes(
        self,
        requests: Sequence[ImageRequest],
        owner: str,
        scope: str,
        rate_limits: RateLimits | None,
    ) -> list[Recipe]:
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
        return await self._submission.recipes(requests, owner, scope, rate_limits, as_one=True)


def painting_order(recipes: Sequence[Recipe]) -> list[int]:
    """The cells such that no model is taken up twice, and those that can share a batch follow."""
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
    over = [event for event in events if not event.state.waiting]
    waiting = [event for event in events if event.state.waiting]
    steps = sum(event.step / event.total_steps for event in waiting if event.total_steps)
    places = [event.position for event in waiting if event.position is not None]
    times = [event.seconds_left for event in waiting if event.seconds_left is not None]
    running = any(event.state is JobState.RUNNING for event in events)
    return GridProgress(
        total=len(jobs),
        over=len(over),
        share=(len(over) + steps) / max(1, len(jobs)),
        begun=running or bool(over),
        position=min(places, default=None),
        seconds_left=max(times, default=None),
    )
