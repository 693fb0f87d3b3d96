"""Who may see the page: whoever knows the token, or has typed it within the last weeks."""

import asyncio
import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Callable
from typing import Literal, get_args

Reason = Literal["host", "origin", "token", "busy"]

SESSION_SECONDS = 30 * 24 * 3600
"""For how long a browser may see the page after the token was typed."""

PENALTY = 1.0
"""Seconds that the answer to a wrong token takes."""

MAX_WAITING = 16
"""Answers that may wait so at the same time; beyond it, they are refused at once."""


class Refusals:
    """Counts the requests that were refused, by reason."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(get_args(Reason), 0))


class Access:
    """Checks tokens and sessions. Comparing takes the same time, whatever is wrong.

    A session is the time of its end, signed with the token: nothing is stored, and another token
    ends them all.
    """

    def __init__(
        self, token: str | None, refusals: Refusals, clock: Callable[[], float] = time.time
    ) -> None:
        """Take the token; without one, everybody who reaches the page may see it."""
        self._token = token
        self._refusals = refusals
        self._clock = clock
        self._waiting = 0

    @property
    def needed(self) -> bool:
        """Whether the page has a token."""
        return self._token is not None

    def knows(self, token: str) -> bool:
        """Whether this is the token."""
        return self._token is not None and hmac.compare_digest(
            _digest(token.encode()), _digest(self._token.encode())
        )

    def new_session(self) -> str:
        """A session that begins now."""
        return self._signed(str(int(self._clock()) + SESSION_SECONDS))

    def holds(self, session: str) -> bool:
        """Whether this is a session that was begun and isn't over."""
        end, _, _ = session.partition(".")
        if not (end.isascii() and end.isdigit() and len(end) < 20):
            return False
        genuine = hmac.compare_digest(self._signed(end).encode(), session.encode())
        return genuine and self._clock() < int(end) <= self._clock() + SESSION_SECONDS

    async def refuse(self) -> Reason:
        """Count a wrong token, and wait; returns why it is refused.

        So guessing is slow, and many guesses at once take no more than a few tasks.
        """
        if self._waiting >= MAX_WAITING:
            self._refusals.counts["busy"] += 1
            return "busy"
        self._refusals.counts["token"] += 1
        self._waiting += 1
        try:
            await asyncio.sleep(PENALTY)
        finally:
            self._waiting -= 1
        return "token"

    def _signed(self, end: str) -> str:
        assert self._token is not None, "sessions begin with the token"
        key, message = self._token.encode(), f"atelier page until {end}".encode()
        return f"{end}.{hmac.new(key, message, hashlib.sha256).hexdigest()}"


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
