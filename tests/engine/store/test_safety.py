"""Verdicts are written with the pictures, and overruled for good."""

from pathlib import Path

import pytest

from engine.jobs.requester import Requester
from engine.safety.verdict import UNCHECKED, SafetyVerdict
from engine.store import Database, JobTable, SafetyTable
from tests.engine.builders import recipe

SAFE, UNSAFE = SafetyVerdict("nsfw", 0.25, flagged=False), SafetyVerdict("nsfw", 0.75, flagged=True)


@pytest.fixture
def verdicts(database: Database) -> SafetyTable:
    return SafetyTable(database)


async def painted(jobs: JobTable, folder: Path, *said: SafetyVerdict) -> int:
    job = await jobs.add(Requester(owner="ada"), recipe(count=3))
    await jobs.set_painted(job.id, [folder / f"{n}.png" for n in range(3)], said)
    await jobs.mark_delivered(job.id)
    return job.id


async def test_they_come_back_in_the_order_of_the_pictures(
    verdicts: SafetyTable, jobs: JobTable, tmp_path: Path
) -> None:
    first = await painted(jobs, tmp_path, UNSAFE, SAFE, UNCHECKED)
    second = await painted(jobs, tmp_path)
    assert await verdicts.of(first) == (UNSAFE, SAFE, UNCHECKED)
    assert await verdicts.several([first, second, 99]) == {first: (UNSAFE, SAFE, UNCHECKED)}
    await jobs.delete(first)
    assert await verdicts.of(first) == ()


async def test_a_release_holds_for_all_that_was_flagged_and_happens_once(
    verdicts: SafetyTable, jobs: JobTable, tmp_path: Path
) -> None:
    job_id = await painted(jobs, tmp_path, UNSAFE, SAFE, UNCHECKED)
    other = await painted(jobs, tmp_path, UNSAFE)
    assert await verdicts.release(job_id)
    assert not await verdicts.release(job_id)
    assert [each.released for each in await verdicts.of(job_id)] == [True, False, True]
    assert [each.unsafe for each in await verdicts.of(other)] == [True]
    assert [job.id for job in await jobs.undelivered()] == [job_id]


async def test_there_is_nothing_to_release_where_nothing_was_flagged(
    verdicts: SafetyTable, jobs: JobTable, tmp_path: Path
) -> None:
    job_id = await painted(jobs, tmp_path, SAFE, SAFE)
    assert not await verdicts.release(job_id)
    assert not await verdicts.release(99)
    assert await jobs.undelivered() == []
