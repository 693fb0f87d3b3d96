"""Finding finished jobs again: by owner, words, model and age, a page at a time."""

import json
import time
from dataclasses import asdict, dataclass
from typing import Any, Self

from engine.jobs.job import Job
from engine.store.database import Database
from engine.store.jobs import JobTable

KEPT = 30 * 24 * 3600.0
"""Seconds for which a search is remembered after it was last used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for among the jobs that have pictures. What is left open matches all.

    Attributes:
        owner: Whose jobs.
        starred_by: Only favourites of this person.
        words: Each of these, between spaces, is somewhere in the prompt.
        model: Name of the model that painted.
        seconds: No older than this.
    """

    owner: str | None = None
    starred_by: str | None = None
    words: str = ""
    model: str | None = None
    seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The search as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The search that `to_json` wrote."""
        return cls(**value)


class History:
    """Carries out searches, and remembers them by number for buttons that lead on."""

    def __init__(self, database: Database, jobs: JobTable) -> None:
        self._database = database
        self._jobs = jobs

    async def count(self, search: Search) -> int:
        """How many jobs it finds."""
        source, parameters = _found(search)
        [(count,)] = await self._database.read(f"SELECT count(*) {source}", *parameters)
        return int(count)

    async def page(self, search: Search, offset: int, limit: int) -> list[Job]:
        """At most `limit` jobs that it finds, the newest first, after the first `offset`."""
        source, parameters = _found(search)
        rows = await self._database.read(
            f"SELECT jobs.id {source} ORDER BY jobs.id DESC LIMIT ? OFFSET ?",
            *parameters,
            limit,
            offset,
        )
        return await self._jobs.several([job_id for (job_id,) in rows])

    async def remember(self, owner: str, search: Search) -> int:
        """The number under which `recall` gives the search back to `owner`."""
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
        """The search that `remember` gave this number to; `None` for anybody else's."""
        rows = await self._database.read(
            "SELECT search FROM searches WHERE id = ? AND owner = ?", number, owner
        )
        return Search.from_json(json.loads(rows[0][0])) if rows else None


def _found(search: Search) -> tuple[str, list[object]]:
    """The FROM and WHERE of a search; the index `jobs_found` holds all that it looks at."""
    source, parameters = "FROM jobs", list[object]()
    if search.starred_by is not None:
        source += " JOIN favourites ON favourites.job_id = jobs.id AND favourites.owner = ?"
        parameters.append(search.starred_by)
    conditions = ["jobs.state IN ('painted', 'posted')"]
    if search.owner is not None:
        conditions.append("jobs.owner = ?")
        parameters.append(search.owner)
    if search.model is not None:
        conditions.append("jobs.model = ?")
        parameters.append(search.model)
    if search.seconds is not None:
        conditions.append("jobs.created_at > ?")
        parameters.append(time.time() - search.seconds)
    for word in search.words.split():
        conditions.append("jobs.prompt LIKE ? ESCAPE '\\'")
        parameters.append(f"%{_literal(word)}%")
    return f"{source} WHERE {' AND '.join(conditions)}", parameters


def _literal(word: str) -> str:
    """The word with what LIKE takes for wildcards escaped."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
