"""The connection: every transaction is whole or not at all, and the database stays usable."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.jobs.requester import Requester
from engine.store import Database, JobTable
from engine.store.database import IN_MEMORY
from tests.engine.builders import recipe


async def owners(database: Database) -> list[str]:
    return [owner for (owner,) in await database.read("SELECT owner FROM jobs ORDER BY id")]


async def test_what_is_written_is_there_after_reopening(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "atelier.db"
    async with Database(file) as database:
        await JobTable(database, tmp_path).add(Requester(owner="ada"), recipe())
    async with Database(file) as database:
        assert await owners(database) == ["ada"]


async def test_a_database_in_memory_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with Database(IN_MEMORY) as database:
        await JobTable(database, tmp_path).add(Requester(owner="ada"), recipe())
        assert await owners(database) == ["ada"]
    assert os.listdir(tmp_path) == []


async def test_another_process_may_read_while_this_one_writes(
    database: Database, tmp_path: Path
) -> None:
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO preferences VALUES ('here', 'model', 'tiny')")
        reader = sqlite3.connect(tmp_path / "atelier.db")
        assert reader.execute("SELECT count(*) FROM preferences").fetchone() == (0,)
        reader.close()


async def test_an_exception_in_a_transaction_undoes_it(database: Database) -> None:
    async def breaks() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO preferences VALUES ('a', 'b', 'c')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await breaks()
    assert await database.read("SELECT * FROM preferences") == []


async def test_a_task_cancelled_in_a_transaction_leaves_the_database_usable(
    database: Database, jobs: JobTable
) -> None:
    begun = asyncio.Event()

    async def interrupted() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO preferences VALUES ('a', 'b', 'c')")
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(interrupted())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.read("SELECT * FROM preferences") == []
    await jobs.add(Requester(owner="ada"), recipe())
    assert await owners(database) == ["ada"]


async def test_tasks_cancelled_at_any_statement_leave_the_database_usable(
    database: Database, jobs: JobTable
) -> None:
    """Cancelling while BEGIN, INSERT or COMMIT is under way in the connection's thread."""
    for naps in range(12):
        task = asyncio.create_task(jobs.add(Requester(owner=f"cancelled after {naps}"), recipe()))
        for _ in range(naps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await jobs.add(Requester(owner="ada"), recipe())
    assert (await owners(database)).count("ada") == 12
    [(jobs_there,)] = await database.read("SELECT count(*) FROM jobs")
    [(accounted,)] = await database.read("SELECT count(*) FROM usage JOIN jobs ON id = job_id")
    assert jobs_there == accounted, "whole or not at all"


async def test_transactions_at_the_same_time_take_turns(jobs: JobTable) -> None:
    added = await asyncio.gather(
        *[jobs.add(Requester(owner=f"user {n}"), recipe()) for n in range(20)]
    )
    assert len({job.id for job in added}) == 20


async def test_a_full_disk_is_told_and_what_was_there_remains(
    database: Database, jobs: JobTable
) -> None:
    [(pages,)] = await database.read("PRAGMA page_count")
    await database.read(f"PRAGMA max_page_count = {pages + 2}")
    written: list[str] = []

    async def fill() -> None:
        while len(written) < 1000:
            written.append(
                (
                    await jobs.add(
                        Requester(owner="ada", message_ref={"padding": "x" * 1000}), recipe()
                    )
                ).owner
            )

    with pytest.raises(StorageError, match=r"The database can't be written to: .*full"):
        await fill()
    await database.read(f"PRAGMA max_page_count = {pages + 100}")
    assert await owners(database) == written
    await jobs.add(Requester(owner="bob"), recipe())
    assert await owners(database) == [*written, "bob"]


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "atelier.db"
    file.write_bytes(b"This is a shopping list, not a database. " * 100)
    with pytest.raises(StorageError, match="can't be opened: file is not a database"):
        await Database(file).__aenter__()


async def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "atelier.db").mkdir()
    with pytest.raises(StorageError, match=r"atelier\.db can't be opened"):
        await Database(tmp_path / "atelier.db").__aenter__()
    for thread in threading.enumerate():  # aiosqlite does not wait for it when it cannot connect
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, 5)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    tmp_path.chmod(0o500)
    yield tmp_path
    tmp_path.chmod(0o700)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_folder_that_cannot_be_written_is_refused(locked: Path) -> None:
    with pytest.raises(StorageError, match="can't be opened"):
        await Database(locked / "atelier.db").__aenter__()


async def test_a_closed_database_says_so(tmp_path: Path) -> None:
    async with Database(tmp_path / "atelier.db") as database:
        pass
    with pytest.raises(StorageError, match="The database is closed"):
        await database.read("SELECT 1")
    with pytest.raises(StorageError, match="The database is closed"):
        async with database.transaction():
            pass


async def test_what_is_being_written_when_it_closes_is_written(tmp_path: Path) -> None:
    """A handler that is just ending must not fail because the program is ending, too."""
    database = await Database(tmp_path / "atelier.db").__aenter__()
    begun = asyncio.Event()

    async def write() -> None:
        async with database.transaction() as connection:
            begun.set()
            await asyncio.sleep(0.05)
            await connection.execute("CREATE TABLE late (x)")

    writing = asyncio.create_task(write())
    await begun.wait()
    await database.__aexit__()
    await writing
    with pytest.raises(StorageError, match="closed"):
        async with database.transaction():
            pass
    async with Database(tmp_path / "atelier.db") as reopened:
        assert await reopened.read("SELECT * FROM late") == []
