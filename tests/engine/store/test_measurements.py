"""Measurements outlive the program."""

import sqlite3
from pathlib import Path

import pytest

from engine.memory.plan import Stage
from engine.memory.precision import Overflow
from engine.memory.profiles import ProfileStore
from engine.store import Database, MeasurementTable, schema
from tests.engine.builders import measurement


async def test_measurements_are_kept_and_the_latest_of_the_same_wins(database: Database) -> None:
    table = MeasurementTable(database)
    assert await table.all() == []
    first, load = measurement(peak_bytes=5), measurement(stage=Stage.LOAD, seconds=9.0)
    await table.save(first)
    await table.save(load)
    again = measurement(peak_bytes=7, seconds=2.0)
    await table.save(again)
    assert await table.all() == [load, again], "the latest last"
    await table.forget("tiny")
    assert await table.all() == []


async def test_what_overflowed_is_kept_until_its_model_is_forgotten(database: Database) -> None:
    table = MeasurementTable(database)
    overflow = Overflow("tiny", "card", Stage.DECODE, "float16")
    for _ in range(2):
        await table.save_overflow(overflow)
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO overflows VALUES ('tiny', 'card', 'step', 'int3')")
    assert await table.overflows() == [overflow], "what can't be read is left out"
    await table.forget("tiny")
    assert await table.overflows() == []


async def test_step_times_of_an_older_version_are_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They had a table of their own, with the loading of a model under 0 rows."""
    file = tmp_path / "atelier.db"
    before = schema.STEPS.index(schema.MEASUREMENTS_WITH_TIMINGS)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", schema.STEPS[:before])
        async with Database(file):
            pass
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("INSERT INTO timings VALUES ('tiny', 64, 48, 2, 1.5)")
        connection.execute("INSERT INTO timings VALUES ('tiny', 0, 0, 0, 9.0)")
        connection.execute(
            "INSERT INTO measurements VALUES "
            "('tiny', 'card', 'float16', 'step', 'float16', 0, 64, 64, 1, 10, 30, 100, 0.5, 0)"
        )
    connection.close()
    async with Database(file) as database:
        profiles = ProfileStore(await MeasurementTable(database).all())
    assert profiles.step_seconds("tiny") == {(64, 64, 1): 0.5, (64, 48, 2): 1.5}
    assert profiles.load_seconds("tiny") == 9.0
    assert [one.peak_bytes for one in profiles if one.device == "card"] == [None], (
        "it included weights of the stage before"
    )
