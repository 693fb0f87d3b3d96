"""Requests that wait for a moderator: held, looked at, decided, and forgotten after some days."""

import time
from collections.abc import Sequence
from typing import Any

from engine.errors import InvalidRequest, LimitReached
from engine.jobs.job import Parent
from engine.jobs.request import ImageRequest
from engine.store import Decision, Review, ReviewMessage, ReviewTable
from speech import say

LIFETIME = 7 * 24 * 3600.0
"""Seconds for which requests wait; what was decided is remembered as long."""

MAX_HELD = 5
"""Of one person in one scope: moderators are asked no more at a time."""


class ReviewQueue:
    """The requests that were held."""

    def __init__(self, table: ReviewTable) -> None:
        self._table = table

    async def hold(
        self,
        scope: str,
        owner: str,
        message_ref: Any,
        requests: Sequence[ImageRequest],
        words: Sequence[str],
        parent: Parent | None = None,
    ) -> Review:
        """Have requests wait; the arguments are the attributes of `Review`.

        Raises:
            LimitReached: When as many of that person wait as may.
            StorageError: When it cannot be written down.
        """
        now = time.time()
        await self._table.forget(now - LIFETIME)
        if await self._table.waiting(scope, owner) >= MAX_HELD:
            raise LimitReached(
                say(
                    "{most} of your requests already wait for a moderator. Ask again once one "
                    "has been reviewed.",
                    most=MAX_HELD,
                )
            )
        return await self._table.add(scope, owner, message_ref, requests, words, parent, now)

    async def get(self, number: int, scope: str) -> Review:
        """The one of that number.

        Raises:
            InvalidRequest: When it is not kept any more, or of another scope.
        """
        review = await self._table.get(number)
        if review is None or review.scope != scope or over(review):
            raise InvalidRequest(say("This request waited too long and has expired."))
        return review

    async def waiting(self, scope: str | None = None) -> list[Review]:
        """Those of a scope, or of all, that nobody has decided yet, the oldest first."""
        return await self._table.all_waiting(time.time() - LIFETIME, scope)

    async def asked(self, number: int, asked: ReviewMessage) -> None:
        """Write down where moderators are asked."""
        await self._table.set_asked(number, asked)

    async def decide(self, number: int, decision: Decision) -> bool:
        """Write down what became of it; whether nobody had decided before."""
        return await self._table.decide(number, decision)

    async def drop(self, number: int) -> None:
        """Forget it: nobody could be asked."""
        await self._table.drop(number)


def over(review: Review) -> bool:
    """Whether it has waited for as long as it may."""
    return time.time() >= review.asked_at + LIFETIME
