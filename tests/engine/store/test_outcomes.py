"""What came of jobs lately."""

import time
from pathlib import Path

from engine.jobs.job import JobState
from engine.jobs.requester import Requester
from engine.store import Database, JobTable, Outcomes
from engine.store.outcomes import DAY, HOUR
from tests.engine.builders import recipe


async def age(database: Database, job_id: int, seconds: float) -> None:
    async with database.transaction() as connection:
        await connection.execute(
            "UPDATE outcomes SET at = at - ? WHERE job_id = ?", (seconds, job_id)
        )


async def painted(jobs: JobTable, folder: Path, count: int) -> int:
    job = await jobs.add(Requester(owner="ada"), recipe(count=count))
    await jobs.set_running(job.id)
    await jobs.set_painted(job.id, [folder / f"{job.id}.png"])
    await jobs.mark_delivered(job.id)
    return job.id


async def test_pictures_of_the_last_hour_are_counted_even_when_they_are_deleted(
    database: Database, jobs: JobTable, tmp_path: Path
) -> None:
    first = await painted(jobs, tmp_path, 4)
    second = await painted(jobs, tmp_path, 1)
    await painted(jobs, tmp_path, 2)
    await jobs.delete(second)
    await age(database, first, HOUR + 1)
    tally = await Outcomes(database).tally()
    assert (tally.jobs, tally.pictures, tally.failed, tally.failures) == (2, 3, 0, ())


async def test_failures_of_the_last_day_are_told_the_newest_first(
    database: Database, jobs: JobTable
) -> None:
    for number in range(4):
        job = await jobs.add(Requester(owner="ada"), recipe())
        await jobs.set_state(job.id, JobState.FAILED, f"reason {number}")
    cancelled = await jobs.add(Requester(owner="ada"), recipe())
    await jobs.set_state(cancelled.id, JobState.CANCELLED)
    await age(database, 1, DAY + 1)
    await age(database, 2, 60)
    tally = await Outcomes(database).tally(limit=2)
    assert (tally.jobs, tally.failed) == (0, 3)
    assert [failure.sentence for failure in tally.failures] == ["reason 3", "reason 2"]
    assert abs(tally.failures[0].at - time.time()) < 60


async def test_what_is_older_than_a_day_is_forgotten(
    database: Database, jobs: JobTable, tmp_path: Path
) -> None:
    await age(database, await painted(jobs, tmp_path, 1), DAY + 1)
    await painted(jobs, tmp_path, 1)
    assert await database.read("SELECT job_id FROM outcomes") == [(2,)]


async def test_when_pictures_were_painted_is_told_by_the_second(
    database: Database, jobs: JobTable, tmp_path: Path
) -> None:
    await age(database, await painted(jobs, tmp_path, 1), 5000)
    await age(database, await painted(jobs, tmp_path, 2), 100)
    for count in (3, 4):
        await painted(jobs, tmp_path, count)
    failed = await jobs.add(Requester(owner="ada"), recipe())
    await jobs.set_state(failed.id, JobState.FAILED, "a reason")
    found = await Outcomes(database).painted_since(time.time() - HOUR)
    assert found[0].pictures == 2
    assert sum(each.pictures for each in found) == 9
    assert len(found) <= 3
    assert sorted(found, key=lambda each: each.at) == found
    assert await Outcomes(database).painted_since(time.time() + 60) == []
