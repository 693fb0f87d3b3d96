"""Sheets in the database: whole, or not at all."""

from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.grids.layout import Axis, GridLayout
from engine.jobs.requester import Requester
from engine.store import Database, GridTable, JobTable, jobs
from tests.engine.builders import recipe

LAYOUT = GridLayout(
    columns=Axis(title="seed", labels=("1", "2")), rows=Axis(title="steps", labels=("3", "4"))
)
RECIPES = [recipe(seed=seed, num_inference_steps=steps) for steps in (3, 4) for seed in (1, 2)]


async def test_cells_are_jobs_in_the_order_of_painting_at_their_places(
    database: Database, tmp_path: Path
) -> None:
    table = GridTable(database, JobTable(database, tmp_path))
    grid, added = await table.add(
        Requester(owner="ada", message_ref={"x": 1}), LAYOUT, RECIPES, [2, 0, 3, 1]
    )
    assert [(job.id, job.cell and job.cell.number) for job in added] == [
        (1, 2),
        (2, 0),
        (3, 3),
        (4, 1),
    ]
    assert await table.get(grid.id) == grid
    cells = await table.cells(grid.id)
    assert [cells[number].recipe for number in range(4)] == RECIPES


async def test_a_sheet_is_there_whole_or_not_at_all(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = JobTable(database, tmp_path)
    insert, room = jobs.insert, [1, 2]

    async def full(*values: object, **more: object) -> object:
        if not room:
            raise StorageError("The disk is full.")
        room.pop()
        return await insert(*values, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("engine.store.grids.insert", full)
    grids = GridTable(database, table)
    with pytest.raises(StorageError):
        await grids.add(Requester(owner="ada"), LAYOUT, RECIPES, range(4))
    assert await grids.undelivered() == []
    assert await table.undelivered() == []
    assert await table.used_since("ada", 0.0) == []


async def test_a_cell_whose_outcome_changes_has_its_sheet_shown_anew(
    database: Database, tmp_path: Path
) -> None:
    grids = GridTable(database, JobTable(database, tmp_path))
    grid, added = await grids.add(Requester(owner="ada"), LAYOUT, RECIPES, range(4))
    await grids.mark_delivered(grid.id)
    assert await grids.undelivered() == []
    async with database.transaction() as connection:  # as a released verdict does
        await connection.execute("UPDATE jobs SET settled = 0 WHERE id = ?", (added[1].id,))
    assert await grids.undelivered() == [grid]
