"""Favourites: who has starred which job, and which jobs were posted in a gallery."""

import time
from typing import NamedTuple

from engine.errors import UnknownJob
from engine.store.database import Database
from speech import say


class GalleryPost(NamedTuple):
    """A job's message in a gallery, by the caller's ids; no message while it is being sent."""

    channel_id: int
    message_id: int | None


class Favourites:
    """The stars, and the messages in galleries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def toggle(self, owner: str, job_id: int) -> bool:
        """Star the job for `owner`, or remove the star; whether it is starred now.

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
            raise UnknownJob(say("Job {number} doesn't exist.", number=job_id))
        return True

    async def count(self, job_id: int) -> int:
        """How many people have starred the job."""
        [(count,)] = await self._database.read(
            "SELECT count(*) FROM favourites WHERE job_id = ?", job_id
        )
        return int(count)

    async def claim(self, scope: str, job_id: int, channel_id: int) -> bool:
        """Reserve the job for posting in the gallery of `scope`; `False` if it was before.

        A claim outlives the star and the program, so no job is posted twice.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "INSERT OR IGNORE INTO gallery_posts (scope, job_id, channel_id) "
                "SELECT ?, id, ? FROM jobs WHERE id = ?",
                (scope, channel_id, job_id),
            )
        return bool(cursor.rowcount)

    async def release(self, scope: str, job_id: int) -> None:
        """Give up a claim: the job could not be posted."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM gallery_posts WHERE scope = ? AND job_id = ?", (scope, job_id)
            )

    async def set_posted(self, scope: str, job_id: int, message_id: int) -> bool:
        """Record the job's message in the gallery; `False` if the job was deleted."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "UPDATE gallery_posts SET message_id = ? WHERE scope = ? AND job_id = ?",
                (message_id, scope, job_id),
            )
        return bool(cursor.rowcount)

    async def gallery_posts(self, job_id: int) -> list[GalleryPost]:
        """The job's messages in galleries."""
        rows = await self._database.read(
            "SELECT channel_id, message_id FROM gallery_posts WHERE job_id = ?", job_id
        )
        return [GalleryPost(*row) for row in rows]
