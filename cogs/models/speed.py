"""How fast a download is, and how long it will take."""

import time
from collections import deque
from collections.abc import Callable

WINDOW = 12.0
"""Seconds over which the speed is taken: long enough to be steady, short enough to be of now."""


class SpeedMeter:
    """Takes the bytes that have come and tells their speed.

    Attributes:
        done: Bytes that are here.
        total: Bytes that there will be; 0 until something is known.
        file: What has grown last.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.done = 0
        self.total = 0
        self.file = ""
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, done: int, total: int, file: str) -> None:
        """Take the news."""
        self.done, self.total, self.file = done, total, file
        now = self._clock()
        self._seen.append((now, done))
        while self._seen[0][0] < now - WINDOW:
            self._seen.popleft()

    @property
    def bytes_per_second(self) -> float | None:
        """The speed, up to this moment: a download that stands gets slower; `None` at first."""
        if not self._seen:
            return None
        since, before = self._seen[0]
        elapsed = self._clock() - since
        return (self.done - before) / elapsed if elapsed >= 1.0 else None

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at that speed, if it is moving."""
        speed = self.bytes_per_second
        return (self.total - self.done) / speed if speed else None
