"""Rows that can't be read are left out, so that the others are read."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from engine.damage_log import UNREADABLE, log_damage

T = TypeVar("T")


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
    """Log something that can't be read, without its text: that may be what people wrote."""
    log_damage("The %s %s can't be read and is left out (%s)", what, name, type(error).__name__)
