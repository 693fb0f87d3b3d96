"""What the classifier has said of each picture, and whom a moderator has overruled."""

import json
from collections.abc import Sequence

import aiosqlite

from engine.safety.verdict import SafetyVerdict
from engine.store.database import Database


class SafetyTable:
    """Verdicts by job. They are written together with the pictures that they are about."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, job_id: int) -> tuple[SafetyVerdict, ...]:
        """The verdicts on the pictures of a job, in their order; none if nothing judged them."""
        return (await self.several([job_id])).get(job_id, ())

    async def several(self, job_ids: Sequence[int]) -> dict[int, tuple[SafetyVerdict, ...]]:
        """The same for several jobs at once; those without verdicts are not in it."""
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
        """Let all pictures of a job be shown from now on; whether one was objected to until now.

        The outcome of the job, or of the sheet that it is in, counts as not shown yet: it is shown
        anew, after a restart too.
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
    """Write the verdicts on a job's pictures, in the transaction that writes the pictures."""
    await connection.executemany(
        "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?)",
        [
            (job_id, number, each.label, each.score, each.flagged, each.released)
            for number, each in enumerate(verdicts)
        ],
    )
