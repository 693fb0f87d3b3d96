"""What came of jobs lately. A trigger writes it, so that deleting a job takes nothing from it."""

import time
from dataclasses import dataclass

from engine.store.database import Database
from speech import recalled

HOUR = 3600.0
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that failed.

    Attributes:
        job_id: Which one.
        at: When, in seconds since the epoch.
        sentence: Why, as its owner was told.
    """

    job_id: int
    at: float
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What came of jobs lately.

    Attributes:
        jobs: Painted within the last hour.
        pictures: Of those.
        failed: How many jobs failed within the last day.
        failures: The latest of them, newest first.
    """

    jobs: int
    pictures: int
    failed: int
    failures: tuple[Failure, ...]


class Outcomes:
    """Reads what became of jobs; each is kept for a day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tally(self, most: int = 5) -> Tally:
        """What came of jobs in the last hour and day, with at most `most` failures in words."""
        now = time.time()
        [(jobs, pictures)] = await self._database.read(
            "SELECT count(*), coalesce(sum(pictures), 0) FROM outcomes "
            "WHERE state = 'painted' AND at > ?",
            now - HOUR,
        )
        [(failed,)] = await self._database.read(
            "SELECT count(*) FROM outcomes WHERE state = 'failed' AND at > ?", now - DAY
        )
        rows = await self._database.read(
            "SELECT job_id, at, coalesce(error, '') FROM outcomes "
            "WHERE state = 'failed' AND at > ? ORDER BY at DESC, job_id DESC LIMIT ?",
            now - DAY,
            most,
        )
        failures = (Failure(job_id, at, recalled(error)) for job_id, at, error in rows)
        return Tally(jobs=jobs, pictures=pictures, failed=failed, failures=tuple(failures))
