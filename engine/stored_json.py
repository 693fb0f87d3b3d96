"""Values that are stored as JSON, read so that damage in one doesn't stop the program."""

import json
from typing import Any, TypeVar

from engine.damage_log import log_damage

T = TypeVar("T")


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
    """Log that something stored is damaged."""
    log_damage("The stored %s can't be read: using what is safe instead", what)
