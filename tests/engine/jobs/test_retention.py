"""Retention: what goes, and what never does."""

import asyncio
import os
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine import ImageRequest, Requester, StorageSettings, open_studio
from engine.images.output import OutputFolder
from engine.images.uploads import UploadFolder
from engine.jobs.retention import DAY, Retention, SweepResult
from engine.store import Database, Favourites, JobTable, Preferences, RetentionTable
from tests.engine.builders import engine_settings, model_settings, recipe

KILOBYTE = 1e-6
"""In gigabytes."""


class Cellar:
    """A data folder with jobs of any age, and a retention over it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.jobs = JobTable(database, folder)
        self.favourites = Favourites(database)

    async def put(self, *, days: float = 0, bytes_: int = 1000, **changes: Any) -> int:
        """A posted job of that age with a picture of that size."""
        job = await self.jobs.add(Requester(owner="ada"), recipe(**changes))
        file = self.folder / "pictures" / f"{job.id}.png"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x" * bytes_)
        await self.jobs.set_painted(job.id, [file])
        await self.jobs.mark_delivered(job.id)
        await self.age(job.id, days)
        return job.id

    async def age(self, job_id: int, days: float) -> None:
        async with self.database.transaction() as connection:
            then = time.time() - days * DAY
            await connection.execute("UPDATE jobs SET created_at = ? WHERE id = ?", (then, job_id))

    def upload(self, name: str, *, days: float) -> Path:
        file = self.folder / "uploads" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x" * 1000)
        os.utime(file, (time.time() - days * DAY,) * 2)
        return file

    async def sweep(self, **storage: Any) -> SweepResult:
        return await Retention(
            StorageSettings(**storage),
            RetentionTable(self.database, self.folder),
            OutputFolder(self.folder / "pictures"),
            UploadFolder(self.folder / "uploads"),
        ).sweep()

    async def left(self) -> list[int]:
        """The jobs that are left; each has its picture, and there are no others."""
        ids = [row[0] for row in await self.database.read("SELECT id FROM jobs ORDER BY id")]
        files = {int(file.stem) for file in (self.folder / "pictures").glob("*")}
        assert files <= set(ids)
        return ids


@pytest.fixture
async def cellar(tmp_path: Path) -> Any:
    async with Database(tmp_path / "atelier.db") as database:
        yield Cellar(database, tmp_path)


async def test_without_a_bound_every_job_stays_with_what_it_starts_from(cellar: Cellar) -> None:
    old = await cellar.put(days=10_000, image="needed.png", strength=0.5)
    needed = cellar.upload("needed.png", days=10_000)
    assert await cellar.sweep() == SweepResult()
    assert await cellar.left() == [old]
    assert needed.exists()


async def test_a_copy_outlives_the_deleted_pictures_by_a_day_at_most(cellar: Cellar) -> None:
    varied = await cellar.put(image="copy.png", strength=0.5)
    copy, fresh = cellar.upload("copy.png", days=2), cellar.upload("fresh.png", days=0.5)
    await cellar.jobs.delete(varied)
    assert await cellar.sweep() == SweepResult(uploads=1)
    assert (copy.exists(), fresh.exists()) == (False, True)


async def test_what_is_too_old_goes_with_its_files(cellar: Cellar) -> None:
    await cellar.put(days=8)
    new = await cellar.put(days=6)
    assert await cellar.sweep(keep_days=7) == SweepResult(jobs=1)
    assert await cellar.left() == [new]


async def test_favourites_and_jobs_under_way_stay_however_old(cellar: Cellar) -> None:
    starred = await cellar.put(days=900)
    await cellar.favourites.toggle("bob", starred)
    queued = (await cellar.jobs.add(Requester(owner="ada"), recipe())).id
    painted = (await cellar.jobs.add(Requester(owner="ada"), recipe())).id
    await cellar.jobs.set_painted(painted, [])
    for job_id in (queued, painted):
        await cellar.age(job_id, 900)
    assert await cellar.sweep(keep_days=1, keep_gb=KILOBYTE / 10) == SweepResult()
    assert await cellar.left() == [starred, queued, painted]


async def test_the_oldest_go_until_the_rest_fits(cellar: Cellar) -> None:
    first, second, third, fourth = [await cellar.put(bytes_=1000) for _ in range(4)]
    await cellar.favourites.toggle("ada", first)
    assert await cellar.sweep(keep_gb=3 * KILOBYTE) == SweepResult(jobs=1)
    assert await cellar.left() == [first, third, fourth]
    assert await cellar.sweep(keep_gb=3 * KILOBYTE) == SweepResult()
    assert second not in await cellar.left()


async def test_a_file_that_no_job_has_costs_no_job_its_pictures(cellar: Cellar) -> None:
    kept = [await cellar.put(bytes_=1000) for _ in range(3)]
    cellar.upload("large.png", days=0).write_bytes(b"x" * 50_000)
    assert await cellar.sweep(keep_gb=3 * KILOBYTE) == SweepResult()
    assert await cellar.left() == kept


async def test_uploads_that_no_job_needs_any_more_go_too(cellar: Cellar) -> None:
    used, mask, of_the_old, fresh = (
        cellar.upload(f"{name}.png", days=days)
        for name, days in (("used", 9), ("mask", 9), ("old", 9), ("fresh", 0))
    )
    await cellar.put(days=1, image="used.png", mask="mask.png")
    await cellar.put(days=8, image="old.png")
    assert await cellar.sweep(keep_days=7) == SweepResult(jobs=1, uploads=1)
    assert [file.exists() for file in (used, mask, of_the_old, fresh)] == [True, True, False, True]


async def test_uploads_of_a_request_that_waits_for_an_answer_stay(cellar: Cellar) -> None:
    asked = cellar.upload("asked.png", days=9)
    preferences = Preferences(cellar.database)
    await preferences.set("discord", "questions", '[{"requests": [{"image": "asked.png"}]}]')
    await preferences.set("guild:1", "model", "not JSON at all")
    assert await cellar.sweep(keep_days=7) == SweepResult()
    assert asked.exists()


async def test_a_picture_sent_again_is_as_good_as_new(tmp_path: Path) -> None:
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    uploads = UploadFolder(tmp_path)
    name = uploads.keep(buffer.getvalue())
    os.utime(uploads.path(name), (0, 0))
    assert uploads.keep(buffer.getvalue()) == name
    assert uploads.delete_unused(set(), time.time() - DAY) == 0


async def test_the_studio_sweeps_when_it_opens(tiny_model: Path, tmp_path: Path) -> None:
    models = {"tiny": model_settings(tiny_model)}
    folder = tmp_path / "data"
    async with open_studio(engine_settings(), models, folder) as studio:
        job = await studio.submit(ImageRequest(prompt="a fish"), Requester(owner="ada"))
        async for event in studio.watch(job.id):
            painted = event.pictures
        await studio.mark_delivered(job.id)
    storage = StorageSettings(keep_gb=KILOBYTE)
    async with open_studio(engine_settings(), models, folder, storage=storage):
        async with asyncio.timeout(10):
            while painted[0].exists():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
