"""Jobs, their pictures, and what each owner has used."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiosqlite

from engine.errors import AlreadyDecided, UnknownJob
from engine.jobs.job import Cell, Job, JobState, Parent
from engine.jobs.request import Recipe
from engine.safety.verdict import SafetyVerdict
from engine.store.database import Database
from engine.store.reviews import Decision, decided
from engine.store.safety import insert_verdicts
from speech import Sentence, recalled, say

KEPT = 24 * 3600.0
"""Seconds for which it is remembered what somebody has used: longer than any window looks back."""

COLUMNS = (
    "id, owner, home, recipe, state, created_at, error, attempts, settled, "
    "parent_job, parent_number, sheet, cell"
)


class JobTable:
    """The jobs in the database. Picture files are stored relative to `folder`."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    async def add(
        self, owner: str, message_ref: Any, recipe: Recipe, parent: Parent | None = None
    ) -> Job:
        """Write a new job as queued, and its pictures as used by its owner."""
        async with self._database.transaction() as connection:
            return await insert(connection, owner, message_ref, recipe, parent=parent)

    async def add_all(
        self,
        owner: str,
        message_ref: Any,
        recipes: Sequence[Recipe],
        parent: Parent | None = None,
        review: int | None = None,
    ) -> list[Job]:
        """Write new jobs as `add` does, all or none, and the held request of that number as
        allowed.

        Raises:
            AlreadyDecided: When that is decided already.
        """
        async with self._database.transaction() as connection:
            if review is not None and not await decided(connection, review, Decision.ALLOWED):
                raise AlreadyDecided(say("This request has already been decided."))
            return [
                await insert(connection, owner, message_ref, recipe, parent=parent)
                for recipe in recipes
            ]

    async def get(self, job_id: int) -> Job:
        """The job of that number.

        Raises:
            UnknownJob: When there is none.
        """
        found = await self._select("WHERE id = ?", job_id)
        if not found:
            raise UnknownJob(say("Job {number} no longer exists.", number=job_id))
        return found[0]

    async def several(self, job_ids: Sequence[int]) -> list[Job]:
        """The jobs of these numbers that there are, the newest first."""
        return await self._select(
            "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id DESC", json.dumps(job_ids)
        )

    async def unsettled(self) -> list[Job]:
        """Jobs whose outcome is not shown yet, oldest first."""
        return await self._select("WHERE settled = 0 ORDER BY id")

    async def count_open(self, model: str) -> int:
        """How many jobs for that model are queued or running."""
        rows = await self._database.read(
            "SELECT count(*) FROM jobs WHERE settled = 0 AND state IN (?, ?) "
            "AND json_extract(recipe, '$.model') = ?",
            JobState.QUEUED,
            JobState.RUNNING,
            model,
        )
        return int(rows[0][0])

    async def set_state(self, job_id: int, state: JobState, error: str | None = None) -> None:
        """Move the job to `state`.

        What it used is given back when it failed, or was cancelled before the painter had it. A
        sentence is kept such that it is said in the language of whoever reads it.
        """
        kept = error.kept() if isinstance(error, Sentence) else error
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM usage WHERE job_id = :id AND (:state = 'failed' OR "
                ":state = 'cancelled' AND job_id IN (SELECT id FROM jobs WHERE state = 'queued'))",
                {"id": job_id, "state": state},
            )
            await connection.execute(
                "UPDATE jobs SET state = ?, error = ? WHERE id = ?", (state, kept, job_id)
            )

    async def set_running(self, job_id: int) -> None:
        """Record that the painter has the job: one more attempt at it."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE jobs SET state = ?, attempts = attempts + 1 WHERE id = ?",
                (JobState.RUNNING, job_id),
            )

    async def put_back(self, job_id: int) -> None:
        """Record that the job waits again through no fault of its own: not an attempt."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE jobs SET state = ?, attempts = attempts - 1 WHERE id = ?",
                (JobState.QUEUED, job_id),
            )

    async def set_painted(
        self, job_id: int, files: Sequence[Path], verdicts: Sequence[SafetyVerdict] = ()
    ) -> None:
        """Record the finished pictures; from here on the job is painted whatever happens.

        What was said of them is written at once: no picture is ever there without its verdict.
        """
        async with self._database.transaction() as connection:
            await connection.executemany(
                "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?)",
                [
                    (job_id, number, file.relative_to(self._folder).as_posix())
                    for number, file in enumerate(files)
                ],
            )
            await insert_verdicts(connection, job_id, verdicts)
            await connection.execute(
                "UPDATE jobs SET state = ? WHERE id = ?", (JobState.PAINTED, job_id)
            )

    async def set_message_ref(self, job_id: int, message_ref: Any) -> None:
        """Remember where the answer is, now that more is known about it."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE jobs SET home = ? WHERE id = ?", (json.dumps(message_ref), job_id)
            )

    async def settle(self, job_id: int) -> None:
        """Record that the outcome has been shown: a painted job is now posted."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE jobs SET settled = 1, "
                "state = CASE state WHEN 'painted' THEN 'posted' ELSE state END WHERE id = ?",
                (job_id,),
            )

    async def delete(self, job_id: int) -> None:
        """Forget the job and its pictures; what it used stays used."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    async def used_since(self, owner: str, since: float) -> list[tuple[float, int]]:
        """When `owner` asked for how many pictures since `since` (epoch seconds), oldest first."""
        rows = await self._database.read(
            "SELECT at, pictures FROM usage WHERE owner = ? AND at > ? ORDER BY at", owner, since
        )
        return [(at, pictures) for at, pictures in rows]

    async def _select(self, where: str, *parameters: object) -> list[Job]:
        rows = await self._database.read(f"SELECT {COLUMNS} FROM jobs {where}", *parameters)
        files = await self._files([row[0] for row in rows])
        return [_job(row, files.get(row[0], ())) for row in rows]

    async def _files(self, job_ids: Sequence[int]) -> dict[int, tuple[Path, ...]]:
        rows = await self._database.read(
            "SELECT job_id, file FROM pictures WHERE job_id IN (SELECT value FROM json_each(?)) "
            "ORDER BY job_id, number",
            json.dumps(job_ids),
        )
        files: dict[int, tuple[Path, ...]] = {}
        for job_id, file in rows:
            files[job_id] = (*files.get(job_id, ()), self._folder / file)
        return files


async def insert(
    connection: aiosqlite.Connection,
    owner: str,
    message_ref: Any,
    recipe: Recipe,
    *,
    parent: Parent | None = None,
    cell: Cell | None = None,
) -> Job:
    """Write a new job as queued, and its pictures as used by its owner, in a transaction."""
    now = time.time()
    cursor = await connection.execute(
        "INSERT INTO jobs (owner, home, recipe, state, created_at, parent_job, parent_number, "
        "sheet, cell) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            owner,
            json.dumps(message_ref),
            json.dumps(recipe.to_json()),
            JobState.QUEUED,
            now,
            *(parent or (None, None)),
            *(cell or (None, None)),
        ),
    )
    assert cursor.lastrowid is not None
    await connection.execute("DELETE FROM usage WHERE at < ?", (now - KEPT,))
    await connection.execute(
        "INSERT INTO usage VALUES (?, ?, ?, ?)", (cursor.lastrowid, owner, now, recipe.count)
    )
    return Job(
        id=cursor.lastrowid,
        owner=owner,
        message_ref=message_ref,
        recipe=recipe,
        state=JobState.QUEUED,
        created_at=now,
        parent=parent,
        cell=cell,
    )


def _job(row: aiosqlite.Row, pictures: tuple[Path, ...]) -> Job:
    job_id, owner, message_ref, recipe, state, created_at, error, attempts, settled, *places = row
    parent, cell = places[:2], places[2:]
    return Job(
        id=job_id,
        owner=owner,
        message_ref=json.loads(message_ref),
        recipe=Recipe.from_json(json.loads(recipe)),
        state=JobState(state),
        created_at=created_at,
        pictures=pictures,
        error=error and recalled(error),
        attempts=attempts,
        settled=bool(settled),
        parent=Parent(*parent) if parent[0] is not None else None,
        cell=Cell(*cell) if cell[0] is not None else None,
    )
