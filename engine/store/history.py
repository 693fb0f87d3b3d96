"""Searches among finished jobs, a page at a time, and remembered for buttons that turn pages."""

import json
import time

from engine.jobs.job import Job
from engine.store.database import Database
from engine.store.jobs import JobTable
from engine.store.search import Search
from engine.store.unreadable import readable

KEPT = 30 * 24 * 3600.0
"""Seconds for which a search is remembered after its last use."""


class History:
    """Runs searches, and remembers them by number."""

    def __init__(self, database: Database, jobs: JobTable) -> None:
        self._database = database
        self._jobs = jobs

    async def count(self, search: Search) -> int:
        """How many jobs it finds."""
        source, parameters = search.sql()
        [(count,)] = await self._database.read(f"SELECT count(*) {source}", *parameters)
        return int(count)

    async def page(self, search: Search, offset: int, limit: int) -> list[Job]:
        """At most `limit` jobs that it finds, newest first, after the first `offset`."""
        source, parameters = search.sql()
        rows = await self._database.read(
            f"SELECT jobs.id {source} ORDER BY jobs.id DESC LIMIT ? OFFSET ?",
            *parameters,
            limit,
            offset,
        )
        return await self._jobs.several([job_id for (job_id,) in rows])

    async def remember(self, owner: str, search: Search) -> int:
        """The number by which `recall` returns the search to `owner`."""
        text, now = json.dumps(search.to_json()), time.time()
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM searches WHERE used_at < ?", (now - KEPT,))
            rows = await connection.execute_fetchall(
                "INSERT INTO searches (owner, search, used_at) VALUES (?, ?, ?) "
                "ON CONFLICT (owner, search) DO UPDATE SET used_at = excluded.used_at RETURNING id",
                (owner, text, now),
            )
        [(number,)] = rows
        return int(number)

    async def recall(self, owner: str, number: int) -> Search | None:
        """The search that `remember` gave this number; `None` if it is someone else's."""
        rows = await self._database.read(
            "SELECT search, id FROM searches WHERE id = ? AND owner = ?", number, owner
        )
        found = readable("search of", rows, lambda row: Search.from_json(json.loads(row[0])), 1)
        return found[0] if found else None
