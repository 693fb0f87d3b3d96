"""Rows that can't be read: set aside with one line in the log, so that the others are.

A row may come from a newer version of the program, or be damaged. It stays in the database.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What reading a value raises that isn't what it should be."""

MAX_REPORTED = 10_000
"""Rows that are remembered as reported."""

_reported: set[tuple[str, object]] = set()


def readable(what: str, rows: Iterable[Any], read: Callable[[Any], T], number: int = 0) -> list[T]:
    """What `read` makes of the rows, without those that it can't read.

    Args:
        what: What a row is, for the log.
        rows: The rows.
        read: Reads one.
        number: Which value of a row is its number or name.
    """
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except UNREADABLE as error:
            set_aside(what, row[number], error)
    return found


def set_aside(what: str, name: object, error: Exception) -> None:
    """Report something that can't be read, once for as long as the program runs."""
    if (what, name) in _reported or len(_reported) >= MAX_REPORTED:
        return
    _reported.add((what, name))
    # The error's text may hold what people wrote.
    log.error("The %s %s can't be read and is left out (%s)", what, name, type(error).__name__)
