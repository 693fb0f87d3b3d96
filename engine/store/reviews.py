"""Requests held for a moderator, and what was decided about them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import aiosqlite

from engine.jobs.job import Parent
from engine.jobs.request import ImageRequest
from engine.store.database import Database

COLUMNS = (
    "id, scope, owner, home, requests, words, parent_job, parent_number, asked_at, decision, "
    "card_channel, card_message"
)


class Decision(StrEnum):
    """What was decided about held requests."""

    WAITING = "waiting"
    ALLOWED = "allowed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ReviewMessage(NamedTuple):
    """The message that asks moderators for a review."""

    channel: int
    message: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Requests that a moderator has to review before they are painted.

    Attributes:
        id: Its number.
        scope: Where they come from.
        owner: Who asked, in the caller's words (opaque here).
        message_ref: Where the answer belongs, any JSON value (opaque here).
        requests: What is to be painted.
        words: The words for which they are held, in the form in which they are compared.
        parent: The picture that they are based on, if any.
        asked_at: When they were made, in seconds since the epoch.
        decision: What was decided.
        asked: The message that asks moderators, once it was sent.
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
    asked: ReviewMessage | None = None


class ReviewTable:
    """The held requests in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        scope: str,
        owner: str,
        message_ref: Any,
        requests: Sequence[ImageRequest],
        words: Sequence[str],
        parent: Parent | None,
        now: float,
    ) -> Review:
        """Store held requests; the arguments are the attributes of `Review`."""
        async with self._database.transaction() as connection:
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

    async def get(self, number: int) -> Review | None:
        """The review of that number, if it is still stored."""
        rows = await self._database.read(f"SELECT {COLUMNS} FROM reviews WHERE id = ?", number)
        return _review(rows[0]) if rows else None

    async def waiting(self, scope: str, owner: str) -> int:
        """How many reviews of that person are waiting in that scope."""
        rows = await self._database.read(
            "SELECT count(*) FROM reviews WHERE scope = ? AND owner = ? AND decision = ?",
            scope,
            owner,
            Decision.WAITING,
        )
        return int(rows[0][0])

    async def all_waiting(self, since: float, scope: str | None = None) -> list[Review]:
        """Reviews that are waiting, in one scope or in all, made after `since`; oldest first."""
        rows = await self._database.read(
            f"SELECT {COLUMNS} FROM reviews WHERE decision = ?1 AND asked_at > ?2 "
            "AND (?3 IS NULL OR scope = ?3) ORDER BY id",
            Decision.WAITING,
            since,
            scope,
        )
        return [_review(row) for row in rows]

    async def set_asked(self, number: int, asked: ReviewMessage) -> None:
        """Record the message that asks moderators."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE reviews SET card_channel = ?, card_message = ? WHERE id = ?",
                (*asked, number),
            )

    async def decide(self, number: int, decision: Decision) -> bool:
        """Record a decision; `False` if one was made before."""
        async with self._database.transaction() as connection:
            return await decided(connection, number, decision)

    async def drop(self, number: int) -> None:
        """Delete a review."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM reviews WHERE id = ?", (number,))

    async def forget(self, before: float) -> None:
        """Delete reviews made before then (epoch seconds), decided or not."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM reviews WHERE asked_at < ?", (before,))


async def decided(connection: aiosqlite.Connection, number: int, decision: Decision) -> bool:
    """Record a decision in a transaction; `False` if one was made before."""
    cursor = await connection.execute(
        "UPDATE reviews SET decision = ? WHERE id = ? AND decision = ?",
        (decision, number, Decision.WAITING),
    )
    return cursor.rowcount == 1


def _review(row: aiosqlite.Row) -> Review:
    number, scope, owner, message_ref, requests, words, job, picture, asked_at, decision, *asked = (
        row
    )
    return Review(
        id=number,
        scope=scope,
        owner=owner,
        message_ref=json.loads(message_ref),
        requests=tuple(ImageRequest.from_json(each) for each in json.loads(requests)),
        words=tuple(json.loads(words)),
        parent=Parent(job, picture) if job is not None else None,
        asked_at=asked_at,
        decision=Decision(decision),
        asked=ReviewMessage(*asked) if asked[0] is not None else None,
    )
