"""A real database in a folder of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.store import Database, JobTable


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(tmp_path / "atelier.db") as database:
        yield database


@pytest.fixture
def jobs(database: Database, tmp_path: Path) -> JobTable:
    return JobTable(database, tmp_path)
