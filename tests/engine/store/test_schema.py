"""Schema steps: each applied once, whole, and never backwards."""

import json
import sqlite3
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.jobs.requester import Requester
from engine.store import Database, JobTable, schema
from tests.engine.builders import recipe


async def applied(database: Database) -> list[int]:
    rows = await database.read("SELECT number FROM schema_steps ORDER BY number")
    return [number for (number,) in rows]


async def test_every_step_is_applied_once(tmp_path: Path) -> None:
    for _ in range(3):
        async with Database(tmp_path / "atelier.db") as database:
            assert await applied(database) == list(range(1, len(schema.STEPS) + 1))


async def test_an_old_database_is_brought_up_to_date_with_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database(tmp_path / "atelier.db") as database:
        await JobTable(database, tmp_path).add(Requester(owner="ada"), recipe())
    new = "ALTER TABLE jobs ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'"
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, new))
    async with Database(tmp_path / "atelier.db") as database:
        assert await database.read("SELECT owner, mood FROM jobs") == [("ada", "calm")]


@pytest.mark.parametrize(
    ("home", "scope"),
    [
        ({"guild_id": 5, "channel_id": 1}, "guild:5"),
        ({"guild_id": 2**63 - 1, "private": False, "leased": False}, f"guild:{2**63 - 1}"),
        ({"guild_id": 5, "private": True, "leased": True}, "guild:5"),
        ({"guild_id": 5, "private": False, "leased": True}, "user:7"),  # the bot isn't in it
        ({"guild_id": None, "channel_id": 1}, "user:7"),
        ({"channel_id": 1}, "user:7"),
        (None, ""),
        ([1], ""),
    ],
)
async def test_jobs_of_an_older_version_get_the_scope_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: object, scope: str
) -> None:
    steps = schema.STEPS
    [before_scopes] = [n for n, step in enumerate(steps) if "jobs ADD COLUMN scope" in step]
    monkeypatch.setattr(schema, "STEPS", steps[:before_scopes])
    async with (
        Database(tmp_path / "atelier.db") as database,
        database.transaction() as connection,
    ):
        await connection.execute(
            "INSERT INTO jobs (owner, home, recipe, state, created_at) "
            "VALUES ('7', ?, ?, 'posted', 0)",
            (json.dumps(home), json.dumps(recipe().to_json())),
        )
    monkeypatch.setattr(schema, "STEPS", steps)
    async with Database(tmp_path / "atelier.db") as database:
        job = await JobTable(database, tmp_path).get(1)
    assert (job.scope, job.message_ref) == (scope, home)


async def test_a_step_that_breaks_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = schema.STEPS
    monkeypatch.setattr(
        schema, "STEPS", (*before, "CREATE TABLE half (x TEXT); CREATE TABLE jobs (x TEXT)")
    )
    with pytest.raises(StorageError, match="already exists"):
        await Database(tmp_path / "atelier.db").__aenter__()
    monkeypatch.setattr(schema, "STEPS", before)
    async with Database(tmp_path / "atelier.db") as database:
        assert await applied(database) == list(range(1, len(before) + 1))
        assert not await database.read("SELECT * FROM sqlite_master WHERE name = 'half'")


async def test_a_newer_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "atelier.db"
    async with Database(file):
        pass
    number = len(schema.STEPS) + 1
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("INSERT INTO schema_steps VALUES (?, 0)", (number,))
    connection.close()
    with pytest.raises(StorageError) as caught:
        await Database(file).__aenter__()
    assert str(caught.value) == (
        f"The database was written by a newer version (schema {number}; this program supports "
        f"up to {number - 1}). Update the program, or point [storage] path at another folder."
    )
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT max(number) FROM schema_steps").fetchone() == (number,)
    connection.close()
