"""Sheets: taken whole, painted like any jobs, watched and called off as one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine import (
    Axis,
    Grid,
    GridLayout,
    GridProgress,
    ImageRequest,
    InvalidRequest,
    JobState,
    LimitReached,
    NotYours,
    QueueFull,
    RateLimits,
    Requester,
    Studio,
    UnknownJob,
    open_studio,
)
from engine.grids.grids import painting_order
from tests.engine.builders import engine_settings, model_settings, recipe
from tests.engine.gate import Gate

SEEDS = GridLayout(columns=Axis(title="seed", labels=("0", "1", "2")))
THREE = [ImageRequest(prompt="a fish", seed=seed) for seed in range(3)]


@pytest.fixture
async def studio(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Studio]:
    """A studio that paints one picture at a time."""
    async with opened(tmp_path, tiny_model) as studio:
        yield studio


def opened(folder: Path, weights: Path):  # type: ignore[no-untyped-def]
    models = {"tiny": model_settings(weights), "other": model_settings(weights)}
    settings = engine_settings(grace=0.0, batch_size=1)
    return open_studio(settings, models, folder / "data", queue_size=8)


async def submit(studio: Studio, owner: str = "ada", **more: object) -> Grid:
    return await studio.grids.submit(SEEDS, THREE, Requester(owner=owner, message_ref=7, **more))  # type: ignore[arg-type]


async def ended(studio: Studio, grid: Grid) -> list[GridProgress]:
    """How the sheet stood until its end."""
    return [progress async for progress in studio.grids.watch(grid.id)]


async def first_painted(studio: Studio, gate: Gate) -> Grid:
    """A sheet whose first cell is painted, and whose second is stuck at the gate."""
    gate.shut()
    grid = await submit(studio)
    cell = (await studio.grids.cells(grid.id))[0]
    gate.let_through(cell.recipe.num_inference_steps)
    async for progress in studio.grids.watch(grid.id):
        if progress.finished:
            return grid
    raise AssertionError("the sheet is over")


async def states(studio: Studio, grid: Grid) -> list[JobState]:
    cells = await studio.grids.cells(grid.id)
    return [cells[number].state for number in sorted(cells)]


async def test_each_cell_is_a_job_of_its_own_and_the_sheet_follows_them(studio: Studio) -> None:
    grid = await submit(studio)
    assert (grid.message_ref, grid.layout) == (7, SEEDS)
    progress = await ended(studio, grid)
    assert not progress[0].complete
    assert progress[-1] == GridProgress(total=3, finished=3, share=1.0, started=True)
    assert [each.finished for each in progress] == sorted(each.finished for each in progress)
    cells = await studio.grids.cells(grid.id)
    assert [cells[number].recipe.seed for number in range(3)] == [0, 1, 2]
    assert all(job.pictures for job in cells.values())
    assert await studio.undelivered() == [], "cells are shown in their sheet"
    assert await studio.grids.undelivered() == [grid]
    await studio.grids.set_message_ref(grid.id, 8)
    await studio.grids.mark_delivered(grid.id)
    assert await studio.grids.undelivered() == []
    cells = await studio.grids.cells(grid.id)
    assert {(job.state, job.message_ref) for job in cells.values()} == {(JobState.POSTED, 8)}


async def test_what_would_be_refused_is_not_taken_in_part(studio: Studio) -> None:
    bad = [*THREE[:2], ImageRequest(prompt=" ")]
    for requests, rate_limits, error in (
        (bad, None, InvalidRequest),
        (THREE, RateLimits(pictures_per_hour=2), InvalidRequest),
        (THREE * 3, None, QueueFull),
        (THREE[:1], None, InvalidRequest),
        ([ImageRequest(prompt="x", count=2)] * 2, None, InvalidRequest),
    ):
        with pytest.raises(error):
            await studio.grids.estimate(requests, Requester(owner="ada", rate_limits=rate_limits))
        with pytest.raises(error):
            await studio.grids.submit(
                SEEDS, requests, Requester(owner="ada", message_ref=0, rate_limits=rate_limits)
            )
    assert await studio.grids.undelivered() == []
    assert studio.queue() == []


async def test_it_counts_as_one_job_and_as_all_of_its_pictures(studio: Studio, gate: Gate) -> None:
    gate.shut()
    rate_limits = RateLimits(pictures_per_hour=4, waiting_jobs=2)
    await submit(studio, rate_limits=rate_limits)
    await studio.submit(THREE[0], Requester(owner="ada", message_ref=0, rate_limits=rate_limits))
    with pytest.raises(LimitReached, match="2 jobs waiting"):
        await studio.submit(
            THREE[0], Requester(owner="ada", message_ref=0, rate_limits=rate_limits)
        )
    with pytest.raises(LimitReached, match="you have 0 left of 4 pictures an hour"):
        await submit(studio, rate_limits=RateLimits(pictures_per_hour=4))


async def test_its_price_is_the_time_until_it_is_there_once_that_is_known(studio: Studio) -> None:
    price = await studio.grids.estimate(THREE, Requester(owner="ada"))
    assert price.seconds is None
    assert [each.seed for each in price.recipes] == [0, 1, 2]
    await ended(studio, await submit(studio))
    known = (await studio.grids.estimate(THREE, Requester(owner="ada"))).seconds
    less = (await studio.grids.estimate(THREE[:2], Requester(owner="ada"))).seconds
    assert known is not None
    assert less is not None
    assert 0 < less < known


async def test_it_is_called_off_as_one_by_its_owner_alone(studio: Studio, gate: Gate) -> None:
    gate.shut()
    grid = await submit(studio)
    with pytest.raises(NotYours, match="Only the person who requested grid 1"):
        await studio.grids.cancel(grid.id, by="bob")
    assert await studio.grids.cancel(grid.id, by="ada")
    gate.open()
    await ended(studio, grid)
    assert await states(studio, grid) == [JobState.CANCELLED] * 3
    assert not await studio.grids.cancel(grid.id)
    with pytest.raises(UnknownJob):
        await studio.grids.cancel(99)


async def test_what_is_painted_stays_when_the_rest_is_called_off(
    studio: Studio, gate: Gate
) -> None:
    grid = await first_painted(studio, gate)
    await studio.grids.cancel(grid.id)
    gate.open()
    await ended(studio, grid)
    assert await states(studio, grid) == [JobState.PAINTED, *[JobState.CANCELLED] * 2]


async def test_after_a_restart_only_what_is_missing_is_painted(
    tmp_path: Path, tiny_model: Path, gate: Gate
) -> None:
    async with opened(tmp_path, tiny_model) as studio:
        grid = await first_painted(studio, gate)
        [first] = [job for job in (await studio.grids.cells(grid.id)).values() if job.pictures]
        written = first.pictures[0].stat().st_mtime_ns
        gate.open()
    async with opened(tmp_path, tiny_model) as studio:
        [again] = await studio.grids.undelivered()
        assert again == grid
        assert (await ended(studio, grid))[-1].complete
        assert await states(studio, grid) == [JobState.PAINTED] * 3
        assert first.pictures[0].stat().st_mtime_ns == written


async def test_the_watch_of_a_program_that_ends_is_not_complete(
    tmp_path: Path, tiny_model: Path, gate: Gate
) -> None:
    gate.shut()
    async with opened(tmp_path, tiny_model) as studio:
        grid = await submit(studio)
        watch = studio.grids.watch(grid.id)
        assert not (await anext(watch)).complete
        gate.open()
    assert not [progress async for progress in watch][-1].complete


async def test_a_cell_that_is_deleted_is_missing_and_the_last_one_takes_the_sheet_with_it(
    studio: Studio,
) -> None:
    grid = await submit(studio)
    await ended(studio, grid)
    for left in (2, 1):
        cells = await studio.grids.cells(grid.id)
        await studio.delete(cells[min(cells)].id)
        assert (await ended(studio, grid))[-1] == GridProgress(
            total=left, finished=left, share=1.0, started=True
        )
    await studio.delete(next(iter((await studio.grids.cells(grid.id)).values())).id)
    for look in (studio.grids.get, studio.grids.cells):
        with pytest.raises(UnknownJob, match="Grid 1 doesn't exist"):
            await look(grid.id)
    assert await studio.grids.undelivered() == []
    assert (await ended(studio, grid))[-1].total == 0


def test_cells_are_painted_model_by_model_and_in_batches() -> None:
    recipes = [
        recipe(model=model, width=width)
        for model in ("tiny", "other", "tiny")
        for width in (64, 128)
    ]
    assert painting_order(recipes) == [0, 4, 1, 5, 2, 3]
