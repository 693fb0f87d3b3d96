"""Lists of finished jobs, limited to what the person who looks at them may see."""

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import aiosqlite

from engine.jobs.job import Job
from engine.store.database import Database
from engine.store.history import History
from engine.store.jobs import JobTable
from engine.store.search import Search
from engine.store.unreadable import readable

MAX_CHECKED = 5000
"""Jobs of others that are checked for one list; older ones aren't in it."""

BATCH = 200
"""Jobs that are checked before other tasks get a turn."""

UNSAFE = (
    "EXISTS (SELECT 1 FROM verdicts WHERE verdicts.job_id = jobs.id AND verdicts.flagged = 1 "
    "AND verdicts.released = 0 AND verdicts.score IS NOT NULL)"
)
"""What may be withheld: pictures that a classifier has objected to and no moderator released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The person who looks at a list, and what they may see.

    Attributes:
        owner: Whose own jobs are visible in any case; empty for a list that others see, too.
        scope: Where they look at it, such as a server.
        can_see: Whether they may see what is at a message reference; asked about jobs of others.
        may_moderate: Whether they see what is withheld in `scope`.
        withholds_unsafe: Whether unsafe pictures of others are withheld from them.
    """

    owner: str
    scope: str
    can_see: Callable[[Any], bool]
    may_moderate: bool = False
    withholds_unsafe: bool = False


@dataclass(frozen=True, slots=True)
class JobPage:
    """A page of a list of jobs.

    Attributes:
        jobs: The jobs on this page.
        number: Which page, from 0.
        total: How many jobs there are on all pages.
    """

    jobs: tuple[Job, ...]
    number: int
    total: int


class VisibleJobs:
    """Lists the jobs that a search finds and a person may see."""

    def __init__(self, database: Database, jobs: JobTable, history: History) -> None:
        self._database = database
        self._jobs = jobs
        self._history = history

    async def page(self, viewer: Viewer, search: Search, number: int, size: int) -> JobPage:
        """The page of that number, newest jobs first; the last page if there are fewer."""
        if viewer.owner and search.owner == viewer.owner:
            total = await self._history.count(search)
            number = _existing(number, size, total)
            jobs = await self._history.page(search, number * size, size)
            return JobPage(tuple(jobs), number, total)
        ids = [job_id async for job_id in self._visible(viewer, search, "jobs.id DESC")]
        number = _existing(number, size, len(ids))
        jobs = await self._jobs.several(ids[number * size : (number + 1) * size])
        return JobPage(tuple(jobs), number, len(ids))

    async def random(self, viewer: Viewer, search: Search, size: int) -> JobPage:
        """At most `size` of the jobs, chosen at random, as the only page."""
        jobs = await self._first(viewer, search, "random()", size)
        return JobPage(tuple(jobs), 0, len(jobs))

    async def latest(self, viewer: Viewer, search: Search, size: int) -> list[Job]:
        """At most `size` of the jobs, newest first. Unlike for a page, nothing is counted."""
        return await self._first(viewer, search, "jobs.id DESC", size)

    async def _first(self, viewer: Viewer, search: Search, order: str, size: int) -> list[Job]:
        ids: list[int] = []
        async with aclosing(self._visible(viewer, search, order)) as visible:
            async for job_id in visible:
                ids.append(job_id)
                if len(ids) == size:
                    break
        return await self._jobs.several(ids)

    async def _visible(
        self, viewer: Viewer, search: Search, order: str
    ) -> AsyncGenerator[int, None]:
        """The numbers of the jobs that `viewer` may see."""
        source, parameters = search.sql()
        if viewer.withholds_unsafe:
            source += f" AND (jobs.owner = ? OR (? AND jobs.scope = ?) OR NOT {UNSAFE})"
            parameters += [viewer.owner, viewer.may_moderate, viewer.scope]
        rows = await self._database.read(
            f"SELECT jobs.id {source} ORDER BY {order} LIMIT ?", *parameters, MAX_CHECKED
        )
        for at in range(0, len(rows), BATCH):
            ids = [job_id for (job_id,) in rows[at : at + BATCH]]
            visible = await self._visible_among(viewer, ids)
            for job_id in ids:
                if job_id in visible:
                    yield job_id

    async def _visible_among(self, viewer: Viewer, job_ids: Sequence[int]) -> set[int]:
        rows = await self._database.read(
            "SELECT id, owner, home FROM jobs WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(job_ids),
        )

        def visible(row: aiosqlite.Row) -> tuple[int, bool]:
            job_id, owner, message_ref = row
            own = bool(viewer.owner) and owner == viewer.owner
            return job_id, own or viewer.can_see(json.loads(message_ref))

        return {job_id for job_id, seen in readable("place of the job", rows, visible) if seen}


def _existing(number: int, size: int, total: int) -> int:
    """The number of the page, or of the last one if there are fewer pages."""
    return max(0, min(number, -(-total // size) - 1))
