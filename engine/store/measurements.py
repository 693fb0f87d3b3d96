"""What stages of memory plans took, as measured, and which models overflowed."""

import logging
import math
from dataclasses import astuple, fields

import aiosqlite

from engine.errors import StorageError
from engine.memory.measurement import Measurement
from engine.memory.plan import Stage
from engine.memory.precision import RANGES, Overflow
from engine.store.database import Database
from engine.store.unreadable import readable

log = logging.getLogger(__name__)

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
        """Write a measurement over an older one of the same, and over a failure it disproves."""
        async with self._database.transaction() as connection:
            if not measurement.failed:
                await connection.execute(
                    "DELETE FROM measurements WHERE (model, device, plan_key, stage, width, "
                    "height, batch) = (?, ?, ?, ?, ?, ?, ?) AND failed",
                    (
                        *(measurement.model, measurement.device, measurement.plan_key),
                        *(measurement.stage, measurement.width, measurement.height),
                        measurement.batch,
                    ),
                )
            places = ", ".join("?" * len(COLUMNS))
            await connection.execute(
                f"INSERT OR REPLACE INTO measurements ({', '.join(COLUMNS)}) VALUES ({places})",
                astuple(measurement),
            )

    async def keep(self, one: Measurement | Overflow) -> None:
        """Write what was measured or overflowed; that it can't be, on a full disk, is logged."""
        try:
            if isinstance(one, Overflow):
                await self.save_overflow(one)
            else:
                await self.save(one)
        except StorageError as error:
            log.warning("A measurement couldn't be saved: %s", error)

    async def overflows(self) -> list[Overflow]:
        """The types in which models overflowed."""
        rows = await self._database.read("SELECT model, device, stage, dtype FROM overflows")
        return readable("overflow of the model", rows, _overflow)

    async def save_overflow(self, overflow: Overflow) -> None:
        """Write that a model overflowed."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT OR REPLACE INTO overflows (model, device, stage, dtype) "
                "VALUES (?, ?, ?, ?)",
                astuple(overflow),
            )

    async def forget(self, model: str) -> None:
        """Forget what was measured of a model."""
        async with self._database.transaction() as connection:
            for table in ("measurements", "overflows"):
                await connection.execute(f"DELETE FROM {table} WHERE model = ?", (model,))


def _overflow(row: aiosqlite.Row) -> Overflow:
    model, device, stage, dtype = row
    if dtype not in RANGES:
        raise ValueError("no such type is computed in")
    return Overflow(model, device, Stage(stage), dtype)


def _measurement(row: aiosqlite.Row) -> Measurement:
    values = dict(zip(COLUMNS, row, strict=True))
    if not (math.isfinite(values["seconds"]) and values["seconds"] >= 0 and values["batch"] > 0):
        raise ValueError("no such time was measured")
    return Measurement(
        **values | {"stage": Stage(values["stage"]), "failed": bool(values["failed"])}
    )
