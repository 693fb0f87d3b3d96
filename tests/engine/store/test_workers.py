"""Who is paused, who was here, and what each has painted."""

from pathlib import Path

from engine.jobs.requester import Requester
from engine.store import Database, JobTable, SeenWorker, WorkerTable
from engine.store.workers import DAY
from tests.engine.builders import recipe


async def test_a_pause_and_a_visit_are_kept_apart(database: Database) -> None:
    table = WorkerTable(database)
    attic = SeenWorker(name="attic", card="RTX 4090", program="1.2", seen_at=1000.0)
    await table.set_paused("attic", True)
    await table.set_paused("cuda:0", True)
    await table.note([attic])
    assert await table.paused() == {"attic", "cuda:0"}
    await table.set_paused("attic", False)
    assert await table.paused() == {"cuda:0"}
    assert await table.seen_since(999.0) == [attic], "a device of this machine is never missing"
    assert await table.seen_since(1000.0) == []


async def test_pictures_of_the_last_day_are_counted_by_device_even_when_they_are_deleted(
    database: Database, jobs: JobTable, tmp_path: Path
) -> None:
    for device, count in (("attic/cuda", 4), ("attic/cuda", 1), ("cpu", 2), (None, 3)):
        job = await jobs.add(Requester(owner="ada"), recipe(count=count))
        await jobs.set_painted(job.id, [tmp_path / f"{job.id}.png"], device=device)
    await jobs.delete(1)
    async with database.transaction() as connection:
        await connection.execute("UPDATE outcomes SET at = at - ? WHERE job_id = 2", (DAY + 1,))
    assert await WorkerTable(database).pictures_last_day() == {"attic/cuda": 4, "cpu": 2}
