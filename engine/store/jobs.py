"""Jobs, their pictures, and how much each owner has used."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiosqlite

from engine.errors import AlreadyDecided, UnknownJob
from engine.jobs.job import Cell, Job, JobState, Parent
from engine.jobs.recipe import Recipe
from engine.jobs.requester import Requester
from engine.safety.verdict import SafetyVerdict
from engine.store.acts import mark_stored
from engine.store.clock import bound_times, is_future
from engine.store.database import Database
from engine.store.reviews import Decision, decided
from engine.store.safety import insert_verdicts
from engine.store.unreadable import readable
from speech import dump_sentence, load_sentence, say

USAGE_KEPT = 24 * 3600.0
"""Seconds for which usage is kept: longer than the window of any limit."""

COLUMNS = (
    "id, owner, home, recipe, state, created_at, scope, error, attempts, settled, "
    "(SELECT json_group_object(number, file) FROM pictures WHERE job_id = jobs.id), "
    "parent_job, parent_number, sheet, cell"
)


class JobTable:
    """The jobs in the database. Picture files are stored relative to `folder`."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    async def add(self, requester: Requester, recipe: Recipe) -> Job:
        """Store a new queued job, and count its pictures as used by its owner."""
        [job] = await self.add_all(requester, [recipe])
        return job

    async def add_all(self, requester: Requester, recipes: Sequence[Recipe]) -> list[Job]:
        """Store new jobs as `add` does, all or none, and the held request as allowed, if any.

        Raises:
            AlreadyDecided: When the held request was decided before.
        """
        review = requester.review
        async with self._database.transaction() as connection:
            if review is not None and not await decided(connection, review, Decision.ALLOWED):
                raise AlreadyDecided(say("This request has already been decided."))
            jobs = [await insert(connection, requester, recipe) for recipe in recipes]
            await mark_stored(connection, requester.act)
        return jobs

    async def get(self, job_id: int) -> Job:
        """The job of that number.

        Raises:
            UnknownJob: When there is none.
        """
        found = await self._rows("WHERE id = ?", job_id)
        if not found:
            raise UnknownJob(say("Job {number} doesn't exist.", number=job_id))
        jobs = self._readable(found)
        if not jobs:
            raise UnknownJob(
                say("Job {number} can't be read. Another version made it.", number=job_id)
            )
        return jobs[0]

    async def several(self, job_ids: Sequence[int]) -> list[Job]:
        """The jobs of these numbers that still exist, newest first."""
        return await self._select(
            "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id DESC", json.dumps(job_ids)
        )

    async def undelivered(self) -> list[Job]:
        """Jobs whose outcome has not been shown yet, oldest first."""
        return await self._select("WHERE settled = 0 ORDER BY id")

    async def count_open(self, model: str) -> int:
        """How many jobs for that model are queued or running."""
        rows = await self._database.read(
            "SELECT count(*) FROM jobs WHERE settled = 0 AND state IN (?, ?) "
            "AND iif(json_valid(recipe), json_extract(recipe, '$.model'), '') = ?",
            JobState.QUEUED,
            JobState.RUNNING,
            model,
        )
        return int(rows[0][0])

    async def count_open_with(self, adapter: str) -> int:
        """How many jobs with that LoRA are queued or running."""
        rows = await self._database.read(
            "SELECT count(*) FROM jobs WHERE settled = 0 AND state IN (?, ?) AND json_valid(recipe)"
            " AND EXISTS (SELECT 1 FROM json_each(recipe, '$.adapters') AS used "
            "WHERE json_extract(used.value, '$[0]') = ?)",
            JobState.QUEUED,
            JobState.RUNNING,
            adapter,
        )
        return int(rows[0][0])

    async def set_state(self, job_id: int, state: JobState, error: str | None = None) -> None:
        """Set the state of the job.

        Its pictures no longer count as used if it failed, or was cancelled while queued. A
        `Sentence` is stored in a form that can be said in any reader's language.
        """
        stored = error and dump_sentence(error)
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM usage WHERE job_id = :id AND (:state = 'failed' OR "
                ":state = 'cancelled' AND job_id IN (SELECT id FROM jobs WHERE state = 'queued'))",
                {"id": job_id, "state": state},
            )
            await connection.execute(
                "UPDATE jobs SET state = ?, error = ? WHERE id = ?", (state, stored, job_id)
            )

    async def set_running(self, job_id: int) -> None:
        """Record that the job is on the device."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE jobs SET state = ? WHERE id = ?", (JobState.RUNNING, job_id)
            )

    async def count_stops(self, job_ids: Sequence[int]) -> None:
        """Record that the program stopped while these were being painted: one more attempt."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE jobs SET attempts = attempts + 1 WHERE state IN (?, ?) "
                "AND id IN (SELECT value FROM json_each(?))",
                (JobState.QUEUED, JobState.RUNNING, json.dumps(job_ids)),
            )

    async def requeue(self, job_id: int) -> None:
        """Record that a running job is queued again."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE jobs SET state = ? WHERE id = ? AND state = ?",
                (JobState.QUEUED, job_id, JobState.RUNNING),
            )

    async def set_painted(
        self,
        job_id: int,
        files: Sequence[Path],
        verdicts: Sequence[SafetyVerdict] = (),
        device: str | None = None,
    ) -> None:
        """Record the finished pictures; from then on the job is painted whatever happens.

        Args:
            job_id: Which job.
            files: Its pictures, in order.
            verdicts: What the classifier says of them.
            device: Where they were painted.

        The verdicts are written in the same transaction: no picture is ever without its verdict.
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
                "UPDATE jobs SET state = ?, device = ? WHERE id = ?",
                (JobState.PAINTED, device, job_id),
            )

    async def set_message_ref(self, job_id: int, message_ref: Any) -> None:
        """Update where the answer is."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE jobs SET home = ? WHERE id = ?", (json.dumps(message_ref), job_id)
            )

    async def mark_delivered(self, job_id: int) -> None:
        """Record that the outcome has been shown: a painted job is now posted."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE jobs SET settled = 1, "
                "state = CASE state WHEN 'painted' THEN 'posted' ELSE state END WHERE id = ?",
                (job_id,),
            )

    async def delete(self, job_id: int) -> None:
        """Delete the job and its pictures; what it used stays used."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    async def used_since(self, owner: str, since: float) -> list[tuple[float, int]]:
        """When `owner` asked for how many pictures after `since` (epoch seconds), oldest first.

        What a clock that was ahead has written counts as used now.
        """
        query = "SELECT at, pictures FROM usage WHERE owner = ? AND at > ? ORDER BY at"
        rows = await self._database.read(query, owner, since)
        if rows and is_future(rows[-1][0]):
            await bound_times(self._database)
            rows = await self._database.read(query, owner, since)
        return [(min(at, time.time()), pictures) for at, pictures in rows]

    async def _select(self, where: str, *parameters: object) -> list[Job]:
        return self._readable(await self._rows(where, *parameters))

    async def _rows(self, where: str, *parameters: object) -> list[aiosqlite.Row]:
        return await self._database.read(f"SELECT {COLUMNS} FROM jobs {where}", *parameters)

    def _readable(self, rows: Sequence[aiosqlite.Row]) -> list[Job]:
        return readable("job", rows, self._job)

    def _job(self, row: aiosqlite.Row) -> Job:
        job_id, owner, message_ref, recipe, state, created_at, scope, error, *rest = row
        attempts, delivered, files, parent_job, parent_number, grid, cell = rest
        pictures = sorted((int(number), file) for number, file in json.loads(files).items())
        return Job(
            id=job_id,
            owner=owner,
            message_ref=json.loads(message_ref),
            recipe=Recipe.from_json(json.loads(recipe)),
            state=JobState(state),
            created_at=created_at,
            scope=scope,
            pictures=tuple(self._folder / file for _, file in pictures),
            error=error and load_sentence(error),
            attempts=attempts,
            delivered=bool(delivered),
            parent=Parent(parent_job, parent_number) if parent_job is not None else None,
            cell=Cell(grid, cell) if grid is not None else None,
        )


async def insert(
    connection: aiosqlite.Connection,
    requester: Requester,
    recipe: Recipe,
    cell: Cell | None = None,
) -> Job:
    """Store a new queued job, and count its pictures as used, in a transaction."""
    now = time.time()
    cursor = await connection.execute(
        "INSERT INTO jobs (owner, home, recipe, state, created_at, scope, parent_job, "
        "parent_number, sheet, cell) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            requester.owner,
            json.dumps(requester.message_ref),
            json.dumps(recipe.to_json()),
            JobState.QUEUED,
            now,
            requester.scope,
            *(requester.parent or (None, None)),
            *(cell or (None, None)),
        ),
    )
    assert cursor.lastrowid is not None
    await connection.execute("DELETE FROM usage WHERE at < ?", (now - USAGE_KEPT,))
    await connection.execute(
        "INSERT INTO usage VALUES (?, ?, ?, ?)",
        (cursor.lastrowid, requester.owner, now, recipe.count),
    )
    return Job(
        id=cursor.lastrowid,
        owner=requester.owner,
        message_ref=requester.message_ref,
        recipe=recipe,
        state=JobState.QUEUED,
        created_at=now,
        scope=requester.scope,
        parent=requester.parent,
        cell=cell,
    )
