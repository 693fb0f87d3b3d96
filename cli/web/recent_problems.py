"""The latest warnings and errors of the log, for the owner's page."""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

MAX_KEPT = 50

MAX_TEXT, MAX_TRACE = 1000, 8000
"""Characters that are kept of each."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A warning or an error.

    Attributes:
        at: When, in seconds since the epoch.
        is_error: Whether it is more than a warning.
        text: What happened.
        trace: Where in the program, of a bug.
    """

    at: float
    is_error: bool
    text: str
    trace: str


class RecentProblems(logging.Handler):
    """Keeps the latest of them, without secrets. Any thread may log."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__(logging.WARNING)
        self._redact = redact
        self._kept: deque[Problem] = deque(maxlen=MAX_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        try:
            trace = ""
            if record.exc_info:
                trace = logging.Formatter().formatException(record.exc_info)
            self._kept.append(
                Problem(
                    record.created,
                    record.levelno >= logging.ERROR,
                    self._redact(record.getMessage())[:MAX_TEXT],
                    self._redact(trace)[-MAX_TRACE:],
                )
            )
        except Exception:
            self.handleError(record)

    def latest(self, number: int) -> list[Problem]:
        """At most `number`, newest first."""
        return list(reversed(self._kept))[:number]
