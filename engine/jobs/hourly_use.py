"""What each person has used within the last hour."""

from collections import deque

from engine.jobs.rate_limits import WINDOW


class HourlyUse:
    """Counts in memory: a restart forgets it."""

    def __init__(self) -> None:
        self._used: dict[str, deque[tuple[float, int]]] = {}

    def recent(self, owner: str, now: float) -> tuple[tuple[float, int], ...]:
        """When (epoch seconds, within the window, oldest first) how much was used by `owner`.

        What is older is forgotten, of everybody; so is what a clock that was set back left ahead.
        """
        for name, entries in list(self._used.items()):
            while entries and not now - WINDOW < entries[0][0] <= now:
                entries.popleft()
            if not entries:
                del self._used[name]
        return tuple(self._used.get(owner, ()))

    def add(self, owner: str, now: float, amount: int = 1) -> None:
        """Count what `owner` uses now."""
        self._used.setdefault(owner, deque()).append((now, amount))
