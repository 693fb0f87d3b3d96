"""Outcomes of recent jobs. A trigger records them, so deleting a job doesn't change them."""

import time
from dataclasses import dataclass

from engine.store.clock import SLACK
from engine.store.database import Database
from speech import load_sentence

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
    """How recent jobs ended.

    Attributes:
        jobs: How many were painted within the last hour.
        pictures: How many pictures they have.
        failed: How many jobs failed within the last day.
        failures: The latest of them, newest first.
    """

    jobs: int
    pictures: int
    failed: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Painted:
    """A job that was painted.

    Attributes:
        at: When, in seconds since the epoch.
        pictures: How many it has.
    """

    at: float
    pictures: int


class Outcomes:
    """Reads the outcomes of jobs; each is kept for a day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tally(self, limit: int = 5) -> Tally:
        """The outcomes of the last hour and day, with at most `limit` failures in detail."""
        now = time.time()
        [(jobs, pictures)] = await self._database.read(
            "SELECT count(*), coalesce(sum(pictures), 0) FROM outcomes "
            "WHERE state = 'painted' AND at BETWEEN ? AND ?",
            now - HOUR,
            now + SLACK,
        )
        [(failed,)] = await self._database.read(
            "SELECT count(*) FROM outcomes WHERE state = 'failed' AND at BETWEEN ? AND ?",
            now - DAY,
            now + SLACK,
        )
        rows = await self._database.read(
            "SELECT job_id, at, coalesce(error, '') FROM outcomes "
            "WHERE state = 'failed' AND at BETWEEN ? AND ? "
            "ORDER BY at DESC, job_id DESC LIMIT ?",
            now - DAY,
            now + SLACK,
            limit,
        )
        failures = (Failure(job_id, at, load_sentence(error)) for job_id, at, error in rows)
        return Tally(jobs=jobs, pictures=pictures, failed=failed, failures=tuple(failures))

    async def painted_since(self, since: float) -> list[Painted]:
        """The jobs of the last day that were painted after `since` (epoch seconds), oldest first.

        Jobs of the same second are summed up.
        """
        rows = await self._database.read(
            "SELECT CAST(at AS INTEGER), sum(pictures) FROM outcomes "
            "WHERE state = 'painted' AND at BETWEEN ? AND ? GROUP BY 1 ORDER BY 1",
            since,
            time.time() + SLACK,
        )
        return [Painted(float(at), pictures) for at, pictures in rows]
