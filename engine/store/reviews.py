"""Requests that wait for a moderator, and what was decided about them."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import aiosqlite

from engine.errors import InvalidRequest, LimitReached
from engine.jobs.job import Parent
from engine.jobs.rate_limits import WINDOW
from engine.jobs.request import ImageRequest
from engine.store.acts import mark_stored
from engine.store.clock import REPAIRS, SLACK
from engine.store.database import Database
from engine.store.unreadable import readable
from speech import say

COLUMNS = (
    "id, scope, owner, home, requests, words, parent_job, parent_number, asked_at, decision, "
    "card_channel, card_message"
)

LIFETIME = 7 * 24 * 3600.0
"""Seconds until a request expires, decided or not."""

MAX_HELD = 5
"""The most requests of one member that may wait in one scope."""

MAX_ASKED = 8
"""The most requests of one member in an hour in one scope, those taken back included: each is a
message to moderators."""


class Decision(StrEnum):
    """What was decided about held requests."""

    WAITING = "waiting"
    ALLOWED = "allowed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ReviewMessage(NamedTuple):
    """The message that asks moderators."""

    channel: int
    message: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Requests that a moderator has to review before they are painted.

    Attributes:
        id: Its number.
        scope: Where they were made.
        owner: Who made them, in the caller's words (opaque here).
        message_ref: Where the answer belongs, any JSON value (opaque here).
        requests: What to paint.
        words: The words that they are held for, normalized.
        parent: The picture that they are derived from, if any.
        asked_at: When they were made, seconds since the epoch.
        decision: What was decided.
        message: Where moderators were asked, once they were.
    """

    id: int
    scope: str
    owner: str
    message_ref: Any
    requests: tuple[ImageRequest, ...]
    words: tuple[str, ...]
    parent: Parent | None
    asked_at: float
    decision: Decision = Decision.WAITING
    message: ReviewMessage | None = None

    @property
    def expired(self) -> bool:
        """Whether it has waited too long."""
        return time.time() >= self.asked_at + LIFETIME


class ReviewTable:
    """The held requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hold(
        self,
        scope: str,
        owner: str,
        message_ref: Any,
        requests: Sequence[ImageRequest],
        words: Sequence[str],
        parent: Parent | None = None,
        act: int | None = None,
    ) -> Review:
        """Store requests that have to wait; the arguments are the attributes of `Review`.

        Except `act`: the number of the act that asks, as in `Requester`.

        Raises:
            LimitReached: When too many of that member wait.
            StorageError: When they can't be stored.
        """
        now = time.time()
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM reviews WHERE asked_at < ?", (now - LIFETIME,))
            await connection.execute(REPAIRS["reviews"], {"now": now, "latest": now + SLACK})
            [(waiting,)] = await connection.execute_fetchall(
                "SELECT count(*) FROM reviews WHERE scope = ? AND owner = ? AND decision = ?",
                (scope, owner, Decision.WAITING),
            )
            if waiting >= MAX_HELD:
                raise LimitReached(
                    say(
                        "{most} of your requests already wait for a moderator. Ask again once one "
                        "has been reviewed.",
                        most=MAX_HELD,
                    )
                )
            asked = [
                asked_at
                for (asked_at,) in await connection.execute_fetchall(
                    "SELECT asked_at FROM reviews WHERE scope = ? AND owner = ? AND asked_at > ? "
                    "ORDER BY asked_at",
                    (scope, owner, now - WINDOW),
                )
            ]
            if len(asked) >= MAX_ASKED:
                raise LimitReached(
                    say("You've asked moderators for too many reviews. Try again later."),
                    retry_at=asked[-MAX_ASKED] + WINDOW,
                )
            cursor = await connection.execute(
                "INSERT INTO reviews (scope, owner, home, requests, words, parent_job, "
                "parent_number, asked_at, decision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    scope,
                    owner,
                    json.dumps(message_ref),
                    json.dumps([request.to_json() for request in requests]),
                    json.dumps(words, ensure_ascii=False),
                    *(parent or (None, None)),
                    now,
                    Decision.WAITING,
                ),
            )
            await mark_stored(connection, act)
        assert cursor.lastrowid is not None
        return Review(
            id=cursor.lastrowid,
            scope=scope,
            owner=owner,
            message_ref=message_ref,
            requests=tuple(requests),
            words=tuple(words),
            parent=parent,
            asked_at=now,
        )

    async def get(self, number: int, scope: str) -> Review:
        """The review of that number.

        Raises:
            InvalidRequest: When it has expired, or belongs to another scope.
        """
        rows = await self._database.read(f"SELECT {COLUMNS} FROM reviews WHERE id = ?", number)
        review = next(iter(readable("review", rows, _review)), None)
        if review is None or review.scope != scope or review.expired:
            raise InvalidRequest(say("This request waited too long and has expired."))
        return review

    async def waiting(self, scope: str | None = None) -> list[Review]:
        """The undecided reviews of a scope, or of all, oldest first."""
        rows = await self._database.read(
            f"SELECT {COLUMNS} FROM reviews WHERE decision = ?1 AND asked_at > ?2 "
            "AND (?3 IS NULL OR scope = ?3) ORDER BY id",
            Decision.WAITING,
            time.time() - LIFETIME,
            scope,
        )
        return readable("review", rows, _review)

    async def set_message(self, number: int, message: ReviewMessage) -> None:
        """Record where moderators were asked."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE reviews SET card_channel = ?, card_message = ? WHERE id = ?",
                (*message, number),
            )

    async def decide(self, number: int, decision: Decision) -> bool:
        """Record a decision; returns whether the review was undecided until now."""
        async with self._database.transaction() as connection:
            return await decided(connection, number, decision)

    async def drop(self, number: int) -> None:
        """Delete a review: no moderator could be asked."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM reviews WHERE id = ?", (number,))


async def decided(connection: aiosqlite.Connection, number: int, decision: Decision) -> bool:
    """Record a decision in a transaction; returns whether the review was undecided until now."""
    cursor = await connection.execute(
        "UPDATE reviews SET decision = ? WHERE id = ? AND decision = ?",
        (decision, number, Decision.WAITING),
    )
    return cursor.rowcount == 1


def _review(row: aiosqlite.Row) -> Review:
    number, scope, owner, home, requests, words, job, picture, asked_at, decision, *message = row
    return Review(
        id=number,
        scope=scope,
        owner=owner,
        message_ref=json.loads(home),
        requests=tuple(ImageRequest.from_json(each) for each in json.loads(requests)),
        words=tuple(json.loads(words)),
        parent=Parent(job, picture) if job is not None else None,
        asked_at=asked_at,
        decision=Decision(decision),
        message=ReviewMessage(*message) if message[0] is not None else None,
    )
