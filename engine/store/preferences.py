"""What has been chosen while the program runs, by scope (such as a server)."""

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
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO preferences VALUES (?, ?, ?) "
                "ON CONFLICT (scope, key) DO UPDATE SET value = excluded.value",
                (scope, key, value),
            )

    async def drop(self, key: str) -> None:
        """Forget what was chosen under that key, in all scopes."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM preferences WHERE key = ?", (key,))
