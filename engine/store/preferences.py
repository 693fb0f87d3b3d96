"""Preferences: values that are chosen while the program runs, by scope (such as a server)."""

import json
from collections.abc import Callable

from engine.store.database import Database


class Preferences:
    """Keys and values per scope."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, scope: str, key: str) -> str | None:
        """The value, or `None` if none was chosen."""
        rows = await self._database.read(
            "SELECT value FROM preferences WHERE scope = ? AND key = ?", scope, key
        )
        return rows[0][0] if rows else None

    async def of(self, *scopes: str) -> list[dict[str, str]]:
        """All values of each scope by their keys, with one read."""
        rows = await self._database.read(
            "SELECT scope, key, value FROM preferences "
            "WHERE scope IN (SELECT value FROM json_each(?))",
            json.dumps(scopes),
        )
        return [{key: value for other, key, value in rows if other == scope} for scope in scopes]

    async def set(self, scope: str, key: str, value: str) -> None:
        """Store a value."""
        await self.change(scope, key, lambda _: value)

    async def change(self, scope: str, key: str, change: Callable[[str | None], str]) -> str:
        """Store what `change` makes of the current value, and return it.

        Concurrent changes are applied one after the other; if `change` raises, nothing is stored.
        """
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(
                "SELECT value FROM preferences WHERE scope = ? AND key = ?", (scope, key)
            )
            value = change(next((row[0] for row in rows), None))
            await connection.execute(
                "INSERT INTO preferences VALUES (?, ?, ?) "
                "ON CONFLICT (scope, key) DO UPDATE SET value = excluded.value",
                (scope, key, value),
            )
        return value

    async def drop(self, key: str) -> None:
        """Delete the values of that key in all scopes."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM preferences WHERE key = ?", (key,))
