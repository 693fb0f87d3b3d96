"""How long a denoising step takes, as measured."""

from engine.store.database import Database


class TimingTable:
    """Seconds a step, per model, size in pixels, and number of rows in the batch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[tuple[str, int, int, int], float]:
        """Seconds a step by (model, width, height, rows)."""
        rows = await self._database.read("SELECT model, width, height, rows, seconds FROM timings")
        return {(model, width, height, n): seconds for model, width, height, n, seconds in rows}

    async def save(self, timings: dict[tuple[str, int, int, int], float]) -> None:
        """Write the given timings over those stored."""
        async with self._database.transaction() as connection:
            await connection.executemany(
                "INSERT OR REPLACE INTO timings VALUES (?, ?, ?, ?, ?)",
                [(*key, seconds) for key, seconds in timings.items()],
            )

    async def forget(self, model: str) -> None:
        """Forget the timings of a model."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM timings WHERE model = ?", (model,))
