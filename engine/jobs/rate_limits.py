"""How much one person may ask for: pictures within a sliding window, and waiting jobs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import InvalidRequest, LimitReached
from speech import say_many

WINDOW = 3600.0
"""Seconds of the sliding window."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What a person may use. `None` sets no limit.

    Attributes:
        pictures_per_hour: Pictures asked for within any hour.
        waiting_jobs: Jobs queued or running at a time.
    """

    pictures_per_hour: int | None = None
    waiting_jobs: int | None = None

    def check(
        self, count: int, used: Sequence[tuple[float, int]], open_jobs: int, jobs: int = 1
    ) -> None:
        """Refuse what exceeds the limits.

        Args:
            count: Pictures asked for now.
            used: When (epoch seconds, within the window, oldest first) how many were asked for.
            open_jobs: The person's jobs that are queued or running.
            jobs: How many jobs they are.

        Raises:
            LimitReached: When the person has to wait.
            InvalidRequest: When `count` or `jobs` exceeds a limit on its own.
        """
        if self.waiting_jobs is not None:
            _check_jobs(jobs, open_jobs, self.waiting_jobs)
        most = self.pictures_per_hour
        if most is None:
            return
        if count > most:
            raise InvalidRequest(
                say_many(
                    "You asked for {number} picture, but your limit is {most} an hour.",
                    "You asked for {number} pictures, but your limit is {most} an hour.",
                    count,
                    most=most,
                )
            )
        missing = count + sum(pictures for _, pictures in used) - most
        for at, pictures in used:
            if missing <= 0:
                return
            missing -= pictures
            if missing <= 0:
                left = max(0, most - sum(n for _, n in used))
                sentence = say_many(
                    "You asked for {count}, but you have {left} left of {number} picture an hour.",
                    "You asked for {count}, but you have {left} left of {number} pictures an hour.",
                    most,
                    count=count,
                    left=left,
                )
                raise LimitReached(sentence, retry_at=at + WINDOW)


def _check_jobs(jobs: int, open_jobs: int, most: int) -> None:
    if jobs > most:
        raise InvalidRequest(
            say_many(
                "That's {number} job, but you can only have {most} open at a time.",
                "That's {number} jobs, but you can only have {most} open at a time.",
                jobs,
                most=most,
            )
        )
    if open_jobs + jobs <= most:
        return
    if open_jobs >= most:
        raise LimitReached(
            say_many(
                "You already have {number} job waiting, which is your limit. Wait for one to "
                "finish, or cancel one.",
                "You already have {number} jobs waiting, which is your limit. Wait for one to "
                "finish, or cancel one.",
                open_jobs,
            )
        )
    raise LimitReached(
        say_many(
            "You already have {number} job waiting, and these are {jobs} more, but your limit "
            "is {most} at a time. Wait for some to finish, or cancel some.",
            "You already have {number} jobs waiting, and these are {jobs} more, but your limit "
            "is {most} at a time. Wait for some to finish, or cancel some.",
            open_jobs,
            jobs=jobs,
            most=most,
        )
    )


def window_start() -> float:
    """When the sliding window that ends now began, in seconds since the epoch."""
    return time.time() - WINDOW
