"""Retention in the database: which jobs may be removed, and their files."""

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from engine.store.clock import SLACK
from engine.store.database import Database

REMOVABLE = "settled = 1 AND id NOT IN (SELECT job_id FROM favourites)"


class RemovableJob(NamedTuple):
    """A job that may be removed, and the files of its pictures."""

    job_id: int
    files: tuple[Path, ...]


class RetentionTable:
    """Finds and removes finished jobs that nobody has starred. Files are relative to `folder`."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    async def older(self, before: float) -> list[int]:
        """Removable jobs from before then (epoch seconds), oldest first.

        One that a clock that was ahead has dated is older than a job that was made after it.
        """
        rows = await self._database.read(
            f"SELECT id FROM jobs WHERE {REMOVABLE} AND (created_at < ?1 OR created_at > ?2 "
            "AND id < (SELECT max(id) FROM jobs WHERE created_at < ?1)) ORDER BY id",
            before,
            time.time() + SLACK,
        )
        return [job_id for (job_id,) in rows]

    async def with_pictures(self) -> list[RemovableJob]:
        """Removable jobs that have pictures, oldest first."""
        rows = await self._database.read(
            "SELECT id, json_group_array(file) FROM jobs JOIN pictures ON job_id = id "
            f"WHERE {REMOVABLE} GROUP BY id ORDER BY id"
        )
        return await asyncio.to_thread(
            lambda: [RemovableJob(job_id, self._paths(json.loads(files))) for job_id, files in rows]
        )

    async def files(self) -> tuple[Path, ...]:
        """The picture files of all jobs."""
        rows = await self._database.read("SELECT file FROM pictures")
        return await asyncio.to_thread(lambda: self._paths([file for (file,) in rows]))

    async def remove(self, job_ids: Sequence[int]) -> tuple[Path, ...]:
        """Delete those of the jobs that are still removable; returns their files."""
        chosen = f"{REMOVABLE} AND id IN (SELECT value FROM json_each(?))"
        numbers = json.dumps(job_ids)
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT file FROM pictures JOIN jobs ON id = job_id WHERE {chosen}", (numbers,)
            )
            await connection.execute(f"DELETE FROM jobs WHERE {chosen}", (numbers,))
        return self._paths([file for (file,) in rows])

    async def uploads(self) -> set[str]:
        """Names of the uploads that are needed: by jobs, held requests and preferences."""
        rows = await self._database.read(
            "SELECT atom FROM jobs, json_tree(iif(json_valid(recipe), recipe, '[]')) "
            "WHERE type = 'text' AND atom LIKE '%.png' "
            "UNION "
            "SELECT atom FROM reviews, json_tree(iif(json_valid(requests), requests, '[]')) "
            "WHERE decision = 'waiting' AND type = 'text' AND atom LIKE '%.png' "
            "UNION "
            "SELECT atom FROM preferences, "
            "json_tree(iif(json_valid(preferences.value), preferences.value, '[]')) "
            "WHERE type = 'text' AND atom LIKE '%.png'"
        )
        return {name for (name,) in rows}

    def _paths(self, files: Sequence[str]) -> tuple[Path, ...]:
        return tuple(self._folder / file for file in files)
