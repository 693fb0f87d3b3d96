"""Lists of values that are stored as one JSON text, such as questions that wait for an answer."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from engine import UNREADABLE, log_damage

T = TypeVar("T")

LEFT_OUT = "A stored %s of %d characters can't be read and is left out"


def stored_values(text: str | None, read: Callable[[Any], T], what: str) -> list[T]:
    """What `read` makes of each value, without those that can't be read.

    Another version may have stored them, or the text is damaged. It is logged once.
    """
    try:
        values = json.loads(text or "[]")
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list):
        log_damage(LEFT_OUT, what, len(text or ""))
        return []
    found = []
    for value in values:
        try:
            found.append(read(value))
        except UNREADABLE:
            log_damage(LEFT_OUT, what, len(repr(value)))
    return found
