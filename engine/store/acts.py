"""What people have asked for and were promised: written down before the promise is made.

An act is kept from before it is acknowledged until it has been answered. One that the program's end
has interrupted is found here at the next start.
"""

import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import aiosqlite

from engine.store.database import Database
from engine.store.expired_tokens import LIFETIME
from engine.store.unreadable import readable


class Progress(StrEnum):
    """How far an act has come."""

    BEGUN = "begun"
    """Nothing is known to have come of it."""
    RESUMED = "resumed"
    """The program has begun it again once, and ended again."""
    STORED = "stored"
    """What was asked for has been stored, as jobs or for a review."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a person asked for.

    Attributes:
        id: Its number, unique for all time; the caller's.
        value: What it was, a JSON object (opaque here).
        progress: How far it has come.
    """

    id: int
    value: dict[str, Any]
    progress: Progress = Progress.BEGUN


class ActTable:
    """The acts that aren't finished."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[str, tuple[object, ...]]] = []
        self._lock = asyncio.Lock()

    async def begin(self, act: Act) -> None:
        """Store an act.

        Raises:
            StorageError: When it can't be stored.
        """
        row = act.id, time.time(), json.dumps(act.value), act.progress
        await self._write("INSERT OR IGNORE INTO acts VALUES (?, ?, ?, ?)", *row)

    async def end(self, act_id: int) -> None:
        """Delete an act that has been answered; nothing happens when it isn't stored."""
        await self._write("DELETE FROM acts WHERE id = ?", act_id)

    async def _write(self, sql: str, *parameters: object) -> None:
        """Execute a statement; those that come while another is written share one transaction."""
        statement = sql, parameters
        self._waiting.append(statement)
        async with self._lock:
            if statement not in self._waiting:
                return
            statements, self._waiting = self._waiting, []
            async with self._database.transaction() as connection:
                for each in statements:
                    await connection.execute(*each)

    async def unfinished(self) -> list[Act]:
        """The acts that can still be answered, oldest first."""
        rows = await self._database.read(
            "SELECT id, act, progress FROM acts WHERE at > ? ORDER BY id", time.time() - LIFETIME
        )
        return readable("act", rows, lambda row: Act(row[0], json.loads(row[1]), Progress(row[2])))

    async def mark_resumed(self, acts: Iterable[Act]) -> None:
        """Record that these are begun again: if one ends the program, it isn't a second time."""
        async with self._database.transaction() as connection:
            await connection.executemany(
                "UPDATE acts SET progress = ? WHERE id = ? AND progress = ?",
                [(Progress.RESUMED, act.id, Progress.BEGUN) for act in acts],
            )


async def mark_stored(connection: aiosqlite.Connection, act_id: int | None) -> None:
    """Record, in the transaction that stores it, that what an act asked for is stored."""
    if act_id is not None:
        await connection.execute(
            "UPDATE acts SET progress = ? WHERE id = ?", (Progress.STORED, act_id)
        )
