"""What is stored and can't be read: left out, with one line in the log.

It may come from a newer version of the program, or be damaged. It stays where it is stored.
"""

import logging

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What reading a value raises that isn't what it should be."""

MAX_REMEMBERED = 10_000
"""Lines that are remembered."""


class Once(logging.Filter):
    """Lets each line through once for as long as the program runs: reads come again and again."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this is a new line."""
        line = record.getMessage()
        if line in self._seen or len(self._seen) >= MAX_REMEMBERED:
            return False
        self._seen.add(line)
        return True


log = logging.getLogger(__name__)
log.addFilter(Once())


def log_damage(line: str, *values: object) -> None:
    """Log a line about something stored that can't be read, unless it was logged before."""
    log.error(line, *values)
