"""A search among finished jobs, and its SQL."""

import time
from dataclasses import asdict, dataclass
from typing import Any, Self

from engine.store.clock import SLACK


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
    """

    owner: str | None = None
    scope: str | None = None
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

    def sql(self) -> tuple[str, list[object]]:
        """FROM and WHERE of the search with their parameters.

        For one owner, the index `jobs_found` has all the columns.
        """
        source, parameters = "FROM jobs", list[object]()
        if self.starred_by is not None:
            source += " JOIN favourites ON favourites.job_id = jobs.id AND favourites.owner = ?"
            parameters.append(self.starred_by)
        conditions = ["jobs.state IN ('painted', 'posted')"]
        for column, value in (("owner", self.owner), ("scope", self.scope), ("model", self.model)):
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
        return f"{source} WHERE {' AND '.join(conditions)}", parameters


def _escaped(word: str) -> str:
    """The word with the wildcards of LIKE escaped."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
