"""Pacing: how often messages may be edited only to tell of progress."""

import time
from collections.abc import Callable

PER_MESSAGE = 2.5
"""Seconds between two edits of one message."""

PER_CHANNEL = 1.1
"""Seconds between two edits in one channel: Discord allows about five in five seconds, and
outcomes, which are never held back, need some of them."""


class Pacer:
    """Says when progress may be shown again. Outcomes do not ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._channels: dict[int, float] = {}
        self._messages: dict[int, float] = {}

    def wait(self, channel_id: int, job_id: int) -> float:
        """Seconds until the message of the job may be edited."""
        now = self._clock()
        due = max(self._channels.get(channel_id, now), self._messages.get(job_id, now))
        return max(0.0, due - now)

    def admits(self, channel_id: int, job_id: int) -> bool:
        """Whether the message may be edited now; if so, it counts as edited."""
        if self.wait(channel_id, job_id) > 0:
            return False
        now = self._clock()
        for kept in (self._channels, self._messages):
            for key in [key for key, due in kept.items() if due <= now]:
                del kept[key]
        self._channels[channel_id] = now + PER_CHANNEL
        self._messages[job_id] = now + PER_MESSAGE
        return True
