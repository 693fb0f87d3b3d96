"""Values that are stored as JSON, read so that damage in one doesn't stop the program."""

import json
import logging
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

_reported: set[str] = set()


def load_stored(text: str | None, default: T, what: str) -> tuple[T, bool]:
    """The stored value, and whether it is intact; `default` if nothing is stored or it isn't.

    Args:
        text: What is stored.
        default: An empty value of the type that is expected.
        what: What it is, for the log.
    """
    if not text:
        return default, True
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, type(default)):
        return value, True
    report_damage(what)
    return default, False


def report_damage(what: str) -> None:
    """Log that something stored is damaged, once for as long as the program runs."""
    if what not in _reported:
        _reported.add(what)
        log.error("The stored %s can't be read: using what is safe instead", what)
