"""The speed of a download."""

import time
from collections import deque
from collections.abc import Callable

WINDOW = 12.0
"""Seconds over which the speed is averaged."""


class SpeedMeter:
    """Measures the speed of a download.

    Attributes:
        done: Bytes that have been downloaded.
        total: Bytes in total; 0 until that is known.
        file: The file of the latest progress.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.done = 0
        self.total = 0
        self.file = ""
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque()

    def update(self, done: int, total: int, file: str) -> None:
        """Record progress."""
        self.done, self.total, self.file = done, total, file
        now = self._clock()
        self._samples.append((now, done))
        while self._samples[0][0] < now - WINDOW:
            self._samples.popleft()

    @property
    def bytes_per_second(self) -> float | None:
        """The current speed, which falls while nothing arrives; `None` for the first second."""
        if not self._samples:
            return None
        since, before = self._samples[0]
        elapsed = self._clock() - since
        return (self.done - before) / elapsed if elapsed >= 1.0 else None

    @property
    def seconds_left(self) -> float | None:
        """The seconds that the rest takes at this speed; `None` while nothing arrives."""
        speed = self.bytes_per_second
        return (self.total - self.done) / speed if speed else None
