"""How often messages may be edited to show progress."""

import time
from collections.abc import Callable

from engine import JobEvent, JobState

MESSAGE_INTERVAL = 2.5
"""Seconds between two edits of one message."""

DISTANT_MESSAGE_INTERVAL = 20.0
"""Seconds between two edits of the message of a job that waits far behind in the queue."""

NEAR_POSITIONS = 3
"""Positions in the queue up to which messages are edited as often as those of running jobs."""

CHANNEL_INTERVAL = 1.1
"""Seconds between two edits in one channel: Discord allows about five in five seconds, and
outcomes, which are never throttled, need some of them."""

FORGET_AFTER = 60.0
"""Seconds after which an edit no longer counts."""


def edit_interval(event: JobEvent | None) -> float:
    """Seconds between two edits of the message that shows `event`."""
    far = (
        event is not None
        and event.state is JobState.QUEUED
        and (event.position or 0) > NEAR_POSITIONS
    )
    return DISTANT_MESSAGE_INTERVAL if far else MESSAGE_INTERVAL


class EditThrottle:
    """Decides when progress may be shown again. Outcomes are not throttled."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._channels: dict[int, float] = {}
        self._messages: dict[int, float] = {}

    def wait(self, channel_id: int, message_key: int, interval: float) -> float:
        """Seconds until the message, edited once per `interval` seconds, may be edited again."""
        long_ago = self._clock() - FORGET_AFTER
        due = max(
            self._channels.get(channel_id, long_ago) + CHANNEL_INTERVAL,
            self._messages.get(message_key, long_ago) + interval,
        )
        return max(0.0, due - self._clock())

    def try_acquire(self, channel_id: int, message_key: int, interval: float) -> bool:
        """Whether the message may be edited now; if so, this counts as an edit."""
        if self.wait(channel_id, message_key, interval) > 0:
            return False
        now = self._clock()
        for last_edits in (self._channels, self._messages):
            for key in [key for key, at in last_edits.items() if at < now - FORGET_AFTER]:
                del last_edits[key]
        self._channels[channel_id] = self._messages[message_key] = now
        return True
