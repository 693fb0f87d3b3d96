"""What came of all jobs of a bot, from its database: how often each was painted, and its pixels."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from engine.store import Database

COUNT_PAINTED = (
    "CREATE TABLE painted_at (job_id INTEGER NOT NULL) STRICT",
    "CREATE TRIGGER count_painted AFTER UPDATE OF state ON jobs WHEN new.state = 'painted' "
    "BEGIN INSERT INTO painted_at VALUES (new.id); END",
)
"""Every time that a job becomes painted is counted by the database itself, whoever is killed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A job.

    Attributes:
        seed: Of its picture.
        state: In the database.
        painted: How often it became painted.
        pixels: The hash of its picture's; empty without one picture.
    """

    seed: int
    state: str
    painted: int
    pixels: str


async def count_painted(database: Database) -> None:
    """Count from now on."""
    async with database.transaction() as connection:
        for statement in COUNT_PAINTED:
            await connection.execute(statement)


async def ledger(folder: Path) -> Mapping[int, Entry]:
    """All jobs by number."""
    async with Database(folder / "atelier.db") as database:
        rows = await database.read(
            "SELECT id, recipe, state, "
            "(SELECT count(*) FROM painted_at WHERE job_id = id), "
            "(SELECT json_group_array(file) FROM pictures WHERE job_id = id) FROM jobs"
        )
    return {
        job_id: Entry(
            json.loads(recipe)["seed"], state, painted, _pixels(folder, json.loads(files))
        )
        for job_id, recipe, state, painted, files in rows
    }


def _pixels(folder: Path, files: list[str]) -> str:
    if len(files) != 1:
        return ""
    with Image.open(folder / files[0]) as picture:
        return hashlib.sha256(picture.tobytes()).hexdigest()
