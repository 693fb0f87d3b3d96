"""Blocks, and the audit log of moderators."""

import time
from dataclasses import dataclass

from engine.moderation.block import Block
from engine.store.clock import bound_times, is_future
from engine.store.database import Database

KEPT = 500
"""Entries kept in the audit log of each scope."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that a moderator did.

    Attributes:
        at: When, in seconds since the epoch.
        by: The moderator.
        what: What they did, in the caller's words (opaque here).
    """

    at: float
    by: str
    what: str


class ModerationTable:
    """Blocks and audit logs, by scope."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def block(self, scope: str, block: Block) -> None:
        """Store a block; it replaces an earlier one of the same person."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT OR REPLACE INTO blocks (scope, user, reason, by, at, until) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (scope, block.user, block.reason, block.by, block.at, block.until),
            )

    async def unblock(self, scope: str, user: str) -> bool:
        """Delete a block; whether there was one in force."""
        async with self._database.transaction() as connection:
            in_force = await connection.execute_fetchall(
                "SELECT 1 FROM blocks WHERE scope = ? AND user = ? "
                "AND (until IS NULL OR until > ?)",
                (scope, user, time.time()),
            )
            await connection.execute(
                "DELETE FROM blocks WHERE scope = ? AND user = ?", (scope, user)
            )
        return bool(in_force)

    async def blocked(self, scope: str, user: str) -> Block | None:
        """The person's block, if one is in force."""
        block = await self._block(scope, user)
        if block is not None and is_future(block.at):
            await bound_times(self._database)
            block = await self._block(scope, user)
        return block

    async def _block(self, scope: str, user: str) -> Block | None:
        rows = await self._database.read(
            "SELECT user, reason, by, at, until FROM blocks "
            "WHERE scope = ? AND user = ? AND (until IS NULL OR until > ?)",
            scope,
            user,
            time.time(),
        )
        return Block(*rows[0]) if rows else None

    async def add_audit_entry(self, scope: str, by: str, what: str) -> None:
        """Add to the audit log, and delete its oldest entries beyond `KEPT`."""
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

    async def audit_entries(self, scope: str, limit: int) -> list[AuditEntry]:
        """The latest entries, newest first."""
        rows = await self._database.read(
            "SELECT at, by, what FROM deeds WHERE scope = ? ORDER BY id DESC LIMIT ?", scope, limit
        )
        return [AuditEntry(*row) for row in rows]
