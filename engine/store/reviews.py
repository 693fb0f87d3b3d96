"""Requests that wait for a moderator, and what became of them."""

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
    """What became of requests that were held."""

    WAITING = "waiting"
    ALLOWED = "allowed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ReviewMessage(NamedTuple):
    """The message in which moderators are asked."""

    channel: int
    message: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Requests that a moderator has to look at before they are painted.

    Attributes:
        id: Its number.
        scope: Where they were asked for.
        owner: Who asked, in the caller's words (opaque here).
        message_ref: Where the answer belongs, any JSON value (opaque here).
        requests: What is to be painted.
        words: The words for which they are held, in the form in which words compare.
        parent: The picture that they go on from, if they do.
        asked_at: Seconds since the epoch.
        decision: What became of them.
        asked: Where moderators are asked, once they are.
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
    """The requests that were held, in the database."""

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
        """Write down that they wait; the arguments are the attributes of `Review`."""
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
        """The one of that number, if it is still kept."""
        rows = await self._database.read(f"SELECT {COLUMNS} FROM reviews WHERE id = ?", number)
        return _review(rows[0]) if rows else None

    async def waiting(self, scope: str, owner: str) -> int:
        """How many of that person wait in that scope."""
        rows = await self._database.read(
            "SELECT count(*) FROM reviews WHERE scope = ? AND owner = ? AND decision = ?",
            scope,
            owner,
            Decision.WAITING,
        )
        return int(rows[0][0])

    async def all_waiting(self, since: float, scope: str | None = None) -> list[Review]:
        """Those that wait, in that scope or anywhere, asked for after then; the oldest first."""
        rows = await self._database.read(
            f"SELECT {COLUMNS} FROM reviews WHERE decision = ?1 AND asked_at > ?2 "
            "AND (?3 IS NULL OR scope = ?3) ORDER BY id",
            Decision.WAITING,
            since,
            scope,
        )
        return [_review(row) for row in rows]

    async def set_asked(self, number: int, asked: ReviewMessage) -> None:
        """Record where moderators are asked."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE reviews SET card_channel = ?, card_message = ? WHERE id = ?",
                (*asked, number),
            )

    async def decide(self, number: int, decision: Decision) -> bool:
        """Record what became of it; whether it still waited until now."""
        async with self._database.transaction() as connection:
            return await decided(connection, number, decision)

    async def drop(self, number: int) -> None:
        """Forget it."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM reviews WHERE id = ?", (number,))

    async def forget(self, before: float) -> None:
        """Forget those that were asked for before then (epoch seconds), decided or not."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM reviews WHERE asked_at < ?", (before,))


async def decided(connection: aiosqlite.Connection, number: int, decision: Decision) -> bool:
    """Record what became of it, in a transaction; whether it still waited until now."""
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
