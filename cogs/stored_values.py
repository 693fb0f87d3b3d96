"""Lists of values that are stored as one JSON text, such as questions that wait for an answer."""

import json
import logging
from collections.abc import Callable
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)

_reported: set[tuple[str, str]] = set()


def stored_values(text: str | None, read: Callable[[Any], T], what: str) -> list[T]:
    """What `read` makes of each value, without those that can't be read.

    Another version may have stored them, or the text is damaged. It is logged once.
    """
    try:
        values = json.loads(text or "[]")
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list):
        _report(what, text or "")
        return []
    found = []
    for value in values:
        try:
            found.append(read(value))
        except UNREADABLE:
            _report(what, repr(value))
    return found


def _report(what: str, value: str) -> None:
    key = what, value[:200]
    if key not in _reported:
        _reported.add(key)
        log.error("A stored %s can't be read and is left out", what)
