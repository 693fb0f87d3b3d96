"""What has been chosen while the program runs, by scope (such as a server)."""

from collections.abc import Callable

from engine.store.database import Database


class Preferences:
    """Key and value per scope."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, scope: str, key: str) -> str | None:
        """The value, or `None` when nothing was chosen."""
        rows = await self._database.read(
            "SELECT value FROM preferences WHERE scope = ? AND key = ?", scope, key
        )
        return rows[0][0] if rows else None

    async def set(self, scope: str, key: str, value: str) -> None:
        """Remember the choice."""
        await self.change(scope, key, lambda _: value)

    async def change(self, scope: str, key: str, change: Callable[[str | None], str]) -> str:
        """Remember what `change` makes of the choice until now, and give it back.

        Two changes at once come one after the other; what `change` raises undoes it.
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
        """Forget what was chosen under that key, in all scopes."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM preferences WHERE key = ?", (key,))
