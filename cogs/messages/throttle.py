"""Pacing: how often messages may be edited only to tell of progress."""

import time
from collections.abc import Callable

from engine import JobEvent, JobState

PER_MESSAGE = 2.5
"""Seconds between two edits of one message."""

PER_DISTANT_MESSAGE = 20.0
"""Seconds between two edits of the message of a job that waits far behind in the queue."""

NEAR = 3
"""Places in the queue whose messages are edited as often as those of running jobs."""

PER_CHANNEL = 1.1
"""Seconds between two edits in one channel: Discord allows about five in five seconds, and
outcomes, which are never held back, need some of them."""

FORGET = 60.0
"""Seconds after which an edit no longer holds anything back."""


def edit_interval(event: JobEvent | None) -> float:
    """Seconds between two edits of the message that shows `event`."""
    far = event is not None and event.state is JobState.QUEUED and (event.position or 0) > NEAR
    return PER_DISTANT_MESSAGE if far else PER_MESSAGE


class EditThrottle:
    """Says when progress may be shown again. Outcomes do not ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._channels: dict[int, float] = {}
        self._messages: dict[int, float] = {}

    def wait(self, channel_id: int, job_id: int, every: float) -> float:
        """Seconds until the message of the job, edited every so many, may be edited again."""
        long_ago = self._clock() - FORGET
        due = max(
            self._channels.get(channel_id, long_ago) + PER_CHANNEL,
            self._messages.get(job_id, long_ago) + every,
        )
        return max(0.0, due - self._clock())

    def admits(self, channel_id: int, job_id: int, every: float) -> bool:
        """Whether the message may be edited now; if so, it counts as edited."""
        if self.wait(channel_id, job_id, every) > 0:
            return False
        now = self._clock()
        for edited in (self._channels, self._messages):
            for key in [key for key, at in edited.items() if at < now - FORGET]:
                del edited[key]
        self._channels[channel_id] = self._messages[job_id] = now
        return True
