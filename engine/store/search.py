"""A search among finished jobs, and its SQL."""

import time
from dataclasses import asdict, dataclass
from typing import Any, Self

from engine.store.clock import SLACK

OTHER_CELLS = (
    "jobs.id NOT IN (SELECT id FROM (SELECT jobs.id AS id, row_number() "
    "OVER (PARTITION BY jobs.sheet ORDER BY jobs.cell) AS place FROM jobs "
    "WHERE jobs.sheet IN (SELECT sheets.id FROM sheets WHERE sheets.owner = ?) AND {where}) "
    "WHERE place > 1)"
)
"""Leaves out all but the first of those cells of each of an owner's grids that match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for among the jobs that have pictures. What is left open matches all.

    Attributes:
        owner: Whose jobs.
        scope: Where they were asked for.
        starred_by: Only favourites of this person.
        words: Each of these, separated by spaces, is somewhere in the prompt.
        model: Name of the model that painted.
        seconds: No older than this.
        grid: Only cells of this grid. Else, among the jobs of one owner, a grid is found once, by
            its first cell that matches; but each favourite is found.
    """

    owner: str | None = None
    scope: str | None = None
    starred_by: str | None = None
    words: str = ""
    model: str | None = None
    seconds: float | None = None
    grid: int | None = None

    @property
    def finds_grids_once(self) -> bool:
        """Whether only one cell of each grid is found."""
        return self.owner is not None and self.starred_by is None and self.grid is None

    def to_json(self) -> dict[str, Any]:
        """The search as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The search that `to_json` wrote."""
        return cls(**value)

    def sql(self) -> tuple[str, list[object]]:
        """FROM and WHERE of the search with their parameters.

        For one owner, the index `jobs_found` has all the columns.
        """
        source, parameters = "FROM jobs", list[object]()
        if self.starred_by is not None:
            source += " JOIN favourites ON favourites.job_id = jobs.id AND favourites.owner = ?"
            parameters.append(self.starred_by)
        conditions = ["jobs.state IN ('painted', 'posted')"]
        columns = {
            "owner": self.owner,
            "scope": self.scope,
            "model": self.model,
            "sheet": self.grid,
        }
        for column, value in columns.items():
            if value is not None:
                conditions.append(f"jobs.{column} = ?")
                parameters.append(value)
        if self.seconds is not None:
            now = time.time()
            # A clock that was ahead would keep its jobs among the latest ones.
            conditions.append("jobs.created_at BETWEEN ? AND ?")
            parameters += [now - self.seconds, now + SLACK]
        for word in self.words.split():
            conditions.append("jobs.prompt LIKE ? ESCAPE '\\'")
            parameters.append(f"%{_escaped(word)}%")
        where = " AND ".join(conditions)
        if self.finds_grids_once:
            conditions.append(OTHER_CELLS.format(where=where))
            parameters += [self.owner, *parameters]
            where = " AND ".join(conditions)
        return f"{source} WHERE {where}", parameters


def _escaped(word: str) -> str:
    """The word with the wildcards of LIKE escaped."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
