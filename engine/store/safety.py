"""The verdicts of the classifier on each picture, and what moderators have released."""

import json
from collections.abc import Sequence

import aiosqlite

from engine.safety.verdict import SafetyVerdict
from engine.store.database import Database


class SafetyTable:
    """Verdicts by job. They are stored in the same transaction as the pictures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, job_id: int) -> tuple[SafetyVerdict, ...]:
        """The verdicts on the pictures of a job, in order; none if they weren't classified."""
        return (await self.several([job_id])).get(job_id, ())

    async def several(self, job_ids: Sequence[int]) -> dict[int, tuple[SafetyVerdict, ...]]:
        """The verdicts of several jobs by their numbers, without jobs that have none."""
        rows = await self._database.read(
            "SELECT job_id, label, score, flagged, released FROM verdicts "
            "WHERE job_id IN (SELECT value FROM json_each(?)) ORDER BY job_id, number",
            json.dumps(job_ids),
        )
        found: dict[int, tuple[SafetyVerdict, ...]] = {}
        for job_id, label, score, flagged, released in rows:
            verdict = SafetyVerdict(label, score, flagged=bool(flagged), released=bool(released))
            found[job_id] = (*found.get(job_id, ()), verdict)
        return found

    async def release(self, job_id: int) -> bool:
        """Allow all pictures of a job to be shown; whether any was withheld until now.

        The outcome of the job, or of its grid, counts as not delivered: it is shown again, even
        after a restart.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "UPDATE verdicts SET released = 1 "
                "WHERE job_id = ? AND flagged = 1 AND released = 0",
                (job_id,),
            )
            if cursor.rowcount:
                await connection.execute(
                    "UPDATE jobs SET settled = 0 WHERE id = ? AND sheet IS NULL", (job_id,)
                )
                await connection.execute(
                    "UPDATE sheets SET settled = 0 "
                    "WHERE id = (SELECT sheet FROM jobs WHERE id = ?)",
                    (job_id,),
                )
        return bool(cursor.rowcount)


async def insert_verdicts(
    connection: aiosqlite.Connection, job_id: int, verdicts: Sequence[SafetyVerdict]
) -> None:
    """Store the verdicts on a job's pictures, in the transaction that stores the pictures."""
    await connection.executemany(
        "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?)",
        [
            (job_id, number, each.label, each.score, each.flagged, each.released)
            for number, each in enumerate(verdicts)
        ],
    )
