"""Who is blocked where, and what those who keep order have done."""

import time
from dataclasses import dataclass

from engine.store.database import Database

KEPT = 500
"""Deeds that are remembered of each scope."""


@dataclass(frozen=True, slots=True)
class Block:
    """Somebody may not use a scope.

    Attributes:
        user: Who.
        reason: Why, in the words of whoever did it.
        by: Who did it.
        at: Since when, in seconds since the epoch.
        until: Until when; `None` is until it is taken back.
    """

    user: str
    reason: str
    by: str
    at: float
    until: float | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that somebody did to keep order.

    Attributes:
        at: When, in seconds since the epoch.
        by: Who.
        what: What they did, in words that the wing which wrote it can show.
    """

    at: float
    by: str
    what: str


class ModerationTable:
    """Blocks and deeds, by scope."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def block(self, scope: str, block: Block) -> None:
        """Remember a block; it replaces one of the same person."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT OR REPLACE INTO blocks (scope, user, reason, by, at, until) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (scope, block.user, block.reason, block.by, block.at, block.until),
            )

    async def unblock(self, scope: str, user: str) -> bool:
        """Forget a block; whether there was one that still held."""
        async with self._database.transaction() as connection:
            held = await connection.execute_fetchall(
                "SELECT 1 FROM blocks WHERE scope = ? AND user = ? "
                "AND (until IS NULL OR until > ?)",
                (scope, user, time.time()),
            )
            await connection.execute(
                "DELETE FROM blocks WHERE scope = ? AND user = ?", (scope, user)
            )
        return bool(held)

    async def blocked(self, scope: str, user: str) -> Block | None:
        """The block of a person that holds now."""
        rows = await self._database.read(
            "SELECT user, reason, by, at, until FROM blocks "
            "WHERE scope = ? AND user = ? AND (until IS NULL OR until > ?)",
            scope,
            user,
            time.time(),
        )
        return Block(*rows[0]) if rows else None

    async def note(self, scope: str, by: str, what: str) -> None:
        """Remember a deed, and forget those that are too long ago."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO deeds (scope, at, by, what) VALUES (?, ?, ?, ?)",
                (scope, time.time(), by, what),
            )
            await connection.execute(
                "DELETE FROM deeds WHERE scope = :scope AND id <= (SELECT id FROM deeds "
                "WHERE scope = :scope ORDER BY id DESC LIMIT 1 OFFSET :kept)",
                {"scope": scope, "kept": KEPT},
            )

    async def audit_entries(self, scope: str, most: int) -> list[AuditEntry]:
        """The latest deeds, newest first."""
        rows = await self._database.read(
            "SELECT at, by, what FROM deeds WHERE scope = ? ORDER BY id DESC LIMIT ?", scope, most
        )
        return [AuditEntry(*row) for row in rows]
