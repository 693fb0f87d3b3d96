"""What stages of memory plans took, as measured."""

import math
from dataclasses import astuple, fields

import aiosqlite

from engine.memory.measurement import Measurement
from engine.memory.plan import Stage
from engine.store.database import Database
from engine.store.unreadable import readable

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
        return readable("measurement of the model", rows, _measurement)

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


def _measurement(row: aiosqlite.Row) -> Measurement:
    values = dict(zip(COLUMNS, row, strict=True))
    if not (math.isfinite(values["seconds"]) and values["seconds"] >= 0 and values["batch"] > 0):
        raise ValueError("no such time was measured")
    return Measurement(
        **values | {"stage": Stage(values["stage"]), "failed": bool(values["failed"])}
    )
