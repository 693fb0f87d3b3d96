"""A copy for a backup is of one moment, and has no token in it."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from engine.jobs.requester import Requester
from engine.store import Database, JobTable
from engine.store.snapshot import NEWEST_SCHEMA, check_database, copy_database
from tests.engine.builders import recipe

TOKEN = "aW50ZXJhY3Rpb246" + "x" * 30


async def test_a_copy_made_while_the_bot_writes_is_of_one_moment(
    database: Database, tmp_path: Path
) -> None:
    stop = asyncio.Event()

    async def write() -> int:
        count = 0
        while not stop.is_set():
            async with database.transaction() as connection:
                for scope in ("one", "other"):
                    await connection.execute(
                        "INSERT INTO preferences VALUES (?, ?, ?)", (scope, str(count), "x" * 2000)
                    )
                    await asyncio.sleep(0)
            count += 1
        return count

    writing = asyncio.create_task(write())
    copies = [tmp_path / f"{number}.db" for number in range(10)]
    for copy in copies:
        await asyncio.to_thread(copy_database, tmp_path / "atelier.db", copy, tokens=True)
        await asyncio.sleep(0.01)
    stop.set()
    assert await writing > 1, "it was not held up"
    for copy in copies:
        assert check_database(copy) == NEWEST_SCHEMA
        with closing(sqlite3.connect(copy)) as opened:
            counts = opened.execute("SELECT count(*) FROM preferences GROUP BY scope").fetchall()
        assert len({*counts}) < 2, "both or neither of a transaction"


async def test_the_copy_has_no_token_and_the_original_keeps_its_own(
    database: Database, jobs: JobTable, tmp_path: Path
) -> None:
    home = {"channel_id": 7, "token": TOKEN, "expires_at": 9e9}
    job = await jobs.add(Requester(owner="ada", message_ref=home), recipe())
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO preferences VALUES ('discord', 'orders', ?)", (json.dumps([{"m": home}]),)
        )
        await connection.execute("INSERT INTO acts VALUES (1, 0, ?, '')", (json.dumps(home),))
    copy, with_tokens = tmp_path / "copy.db", tmp_path / "with.db"
    copy_database(tmp_path / "atelier.db", copy, tokens=False)
    copy_database(tmp_path / "atelier.db", with_tokens, tokens=True)
    assert TOKEN.encode() not in copy.read_bytes()
    assert TOKEN.encode() in with_tokens.read_bytes()
    assert (await jobs.get(job.id)).message_ref == home
    with closing(sqlite3.connect(copy)) as opened:
        [(left,)] = opened.execute("SELECT home FROM jobs")
    assert json.loads(left) == home | {"token": ""}
