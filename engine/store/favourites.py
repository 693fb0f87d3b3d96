"""Favourites: who has starred which job, and which of them a gallery has shown."""

import time
from typing import NamedTuple

from engine.errors import UnknownJob
from engine.store.database import Database
from speech import say


class Shown(NamedTuple):
    """Where a gallery shows a job, by the caller's numbers; `None` while it is being sent."""

    channel_id: int
    message_id: int | None


class Favourites:
    """The stars, and the galleries that they have filled."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def toggle(self, owner: str, job_id: int) -> bool:
        """Star the job for `owner`, or take the star back; whether it is starred now.

        Raises:
            UnknownJob: When there is no such job.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "DELETE FROM favourites WHERE owner = ? AND job_id = ?", (owner, job_id)
            )
            if cursor.rowcount:
                return False
            cursor = await connection.execute(
                "INSERT INTO favourites SELECT ?, id, ? FROM jobs WHERE id = ?",
                (owner, time.time(), job_id),
            )
        if not cursor.rowcount:
            raise UnknownJob(say("Job {number} no longer exists.", number=job_id))
        return True

    async def count(self, job_id: int) -> int:
        """How many people have starred the job."""
        [(count,)] = await self._database.read(
            "SELECT count(*) FROM favourites WHERE job_id = ?", job_id
        )
        return int(count)

    async def claim(self, scope: str, job_id: int, channel_id: int) -> bool:
        """Take it on to show the job in the gallery of `scope`; `False` when somebody has.

        A claim outlives the star and the program, so that nothing is shown twice.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "INSERT OR IGNORE INTO gallery_posts (scope, job_id, channel_id) "
                "SELECT ?, id, ? FROM jobs WHERE id = ?",
                (scope, channel_id, job_id),
            )
        return bool(cursor.rowcount)

    async def release(self, scope: str, job_id: int) -> None:
        """Give a claim back: the job could not be shown."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM gallery_posts WHERE scope = ? AND job_id = ?", (scope, job_id)
            )

    async def set_shown(self, scope: str, job_id: int, message_id: int) -> bool:
        """Record by which message the gallery shows the job; `False` when the job is gone."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "UPDATE gallery_posts SET message_id = ? WHERE scope = ? AND job_id = ?",
                (message_id, scope, job_id),
            )
        return bool(cursor.rowcount)

    async def shown(self, job_id: int) -> list[Shown]:
        """Where galleries show the job."""
        rows = await self._database.read(
            "SELECT channel_id, message_id FROM gallery_posts WHERE job_id = ?", job_id
        )
        return [Shown(*row) for row in rows]
