"""Comparison grids, and the jobs that are their cells."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import aiosqlite

from engine.errors import UnknownJob
from engine.grids.layout import Grid, GridLayout
from engine.jobs.job import Cell, Job
from engine.jobs.recipe import Recipe
from engine.jobs.requester import Requester
from engine.store.acts import mark_stored
from engine.store.database import Database
from engine.store.jobs import JobTable, insert
from engine.store.unreadable import readable
from speech import say

COLUMNS = "id, owner, home, layout, created_at"


class GridTable:
    """The grids in the database. A trigger deletes a grid with its last cell."""

    def __init__(self, database: Database, jobs: JobTable) -> None:
        self._database = database
        self._jobs = jobs

    async def add(
        self,
        requester: Requester,
        layout: GridLayout,
        recipes: Sequence[Recipe],
        order: Sequence[int],
    ) -> tuple[Grid, list[Job]]:
        """Store a new grid with its cells as queued jobs: all of them, or nothing.

        Args:
            requester: Who asks.
            layout: The axes.
            recipes: The recipe of each cell.
            order: The cells in the order in which they are to be painted.
        """
        now, owner, message_ref = time.time(), requester.owner, requester.message_ref
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "INSERT INTO sheets (owner, home, layout, created_at) VALUES (?, ?, ?, ?)",
                (owner, json.dumps(message_ref), json.dumps(asdict(layout)), now),
            )
            assert cursor.lastrowid is not None
            grid = Grid(
                id=cursor.lastrowid,
                owner=owner,
                message_ref=message_ref,
                layout=layout,
                created_at=now,
            )
            jobs = [
                await insert(connection, requester, recipes[cell], Cell(grid.id, cell))
                for cell in order
            ]
            await mark_stored(connection, requester.act)
        return grid, jobs

    async def get(self, grid_id: int) -> Grid:
        """The grid of that number.

        Raises:
            UnknownJob: When there is none.
        """
        rows = await self._database.read(f"SELECT {COLUMNS} FROM sheets WHERE id = ?", grid_id)
        if not rows:
            raise UnknownJob(say("Grid {number} doesn't exist.", number=grid_id))
        grids = readable("grid", rows, _grid)
        if not grids:
            raise UnknownJob(
                say("Grid {number} can't be read. Another version made it.", number=grid_id)
            )
        return grids[0]

    async def undelivered(self) -> list[Grid]:
        """Grids whose outcome, or that of a cell, has not been shown yet, oldest first."""
        rows = await self._database.read(
            f"SELECT {COLUMNS} FROM sheets WHERE settled = 0 OR id IN "
            "(SELECT sheet FROM jobs WHERE settled = 0) ORDER BY id"
        )
        return readable("grid", rows, _grid)

    async def cells(self, grid_id: int) -> dict[int, Job]:
        """The jobs of a grid by their cells, without those that were deleted."""
        rows = await self._database.read("SELECT id FROM jobs WHERE sheet = ?", grid_id)
        jobs = await self._jobs.several([job_id for (job_id,) in rows])
        return {job.cell.number: job for job in jobs if job.cell is not None}

    async def set_message_ref(self, grid_id: int, message_ref: Any) -> None:
        """Update where the answer is, for the cells too."""
        async with self._database.transaction() as connection:
            for table, column in (("sheets", "id"), ("jobs", "sheet")):
                await connection.execute(
                    f"UPDATE {table} SET home = ? WHERE {column} = ?",
                    (json.dumps(message_ref), grid_id),
                )

    async def mark_delivered(self, grid_id: int) -> None:
        """Record that the outcome has been shown: painted cells are now posted."""
        async with self._database.transaction() as connection:
            await connection.execute("UPDATE sheets SET settled = 1 WHERE id = ?", (grid_id,))
            await connection.execute(
                "UPDATE jobs SET settled = 1, "
                "state = CASE state WHEN 'painted' THEN 'posted' ELSE state END WHERE sheet = ?",
                (grid_id,),
            )


def _grid(row: aiosqlite.Row) -> Grid:
    grid_id, owner, message_ref, layout, created_at = row
    return Grid(
        id=grid_id,
        owner=owner,
        message_ref=json.loads(message_ref),
        layout=GridLayout.from_json(json.loads(layout)),
        created_at=created_at,
    )
