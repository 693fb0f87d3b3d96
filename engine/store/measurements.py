"""What stages of memory plans took, as measured."""

from dataclasses import astuple, fields

from engine.memory.measurement import Measurement
from engine.memory.plan import Stage
from engine.store.database import Database

COLUMNS = tuple(field.name for field in fields(Measurement))


class MeasurementTable:
    """The latest measurement of each stage, per model, device, plan, size and batch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Measurement]:
        """All of them, the latest last."""
        rows = await self._database.read(
            f"SELECT {', '.join(COLUMNS)} FROM measurements ORDER BY rowid"
        )
        found = (dict(zip(COLUMNS, row, strict=True)) for row in rows)
        return [
            Measurement(**row | {"stage": Stage(row["stage"]), "failed": bool(row["failed"])})
            for row in found
        ]

    async def save(self, measurement: Measurement) -> None:
        """Write a measurement over an older one of the same."""
        async with self._database.transaction() as connection:
            places = ", ".join("?" * len(COLUMNS))
            await connection.execute(
                f"INSERT OR REPLACE INTO measurements ({', '.join(COLUMNS)}) VALUES ({places})",
                astuple(measurement),
            )

    async def forget(self, model: str) -> None:
        """Forget what was measured of a model."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM measurements WHERE model = ?", (model,))
