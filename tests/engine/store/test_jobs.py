"""Jobs in the database, and what their owners have used."""

from pathlib import Path

import pytest

from engine.errors import UnknownJob
from engine.jobs.job import JobState, Parent
from engine.jobs.requester import Requester
from engine.store import Database, JobTable
from tests.engine.builders import recipe

HOME = {"channel": 123456789012345678, "token": "a.b-c_d", "nested": [None, True, "é🏠"]}


async def test_a_job_comes_back_as_it_was_written(jobs: JobTable) -> None:
    made = recipe(prompt="ein “Häuschen” 🏠, 'x'; DROP TABLE jobs", guidance_scale=3.25)
    written = await jobs.add(Requester(owner="ada", message_ref=HOME), made)
    assert written.state is JobState.QUEUED
    assert await jobs.get(written.id) == written


async def test_a_number_is_never_given_twice(jobs: JobTable) -> None:
    first = await jobs.add(Requester(owner="ada"), recipe())
    await jobs.delete(first.id)
    second = await jobs.add(Requester(owner="ada"), recipe())
    assert second.id > first.id


async def test_a_job_that_is_not_there_is_unknown(jobs: JobTable) -> None:
    with pytest.raises(UnknownJob, match="Job 99 doesn't exist"):
        await jobs.get(99)


async def test_the_pictures_of_a_job_keep_their_order_and_move_with_the_folder(
    jobs: JobTable, database: Database, tmp_path: Path
) -> None:
    job = await jobs.add(Requester(owner="ada"), recipe(count=3))
    files = [tmp_path / "pictures" / f"{n}.png" for n in (2, 1, 3)]
    await jobs.set_painted(job.id, files)
    painted = await jobs.get(job.id)
    assert (painted.state, painted.pictures) == (JobState.PAINTED, tuple(files))
    elsewhere = JobTable(database, Path("/srv/elsewhere"))
    assert (await elsewhere.get(job.id)).pictures[0] == Path("/srv/elsewhere/pictures/2.png")


async def test_painting_twice_after_a_crash_keeps_the_pictures_once(
    jobs: JobTable, tmp_path: Path
) -> None:
    job = await jobs.add(Requester(owner="ada"), recipe())
    for _ in range(2):
        await jobs.set_painted(job.id, [tmp_path / "1.png"])
    assert len((await jobs.get(job.id)).pictures) == 1


async def test_a_failure_is_kept_with_its_sentence(jobs: JobTable) -> None:
    job = await jobs.add(Requester(owner="ada"), recipe())
    await jobs.set_state(job.id, JobState.FAILED, "It does not fit.")
    failed = await jobs.get(job.id)
    assert (failed.state, failed.error) == (JobState.FAILED, "It does not fit.")


async def test_attempts_count_stops_of_the_program_and_nothing_else(jobs: JobTable) -> None:
    job = await jobs.add(Requester(owner="ada"), recipe())
    beside = await jobs.add(Requester(owner="bob"), recipe())
    await jobs.set_running(job.id)
    await jobs.set_running(beside.id)
    await jobs.count_stops([job.id])
    await jobs.count_stops([job.id, 99])
    running = await jobs.get(job.id)
    assert (running.state, running.attempts) == (JobState.RUNNING, 2)
    assert (await jobs.get(beside.id)).attempts == 0
    await jobs.requeue(job.id)
    back = await jobs.get(job.id)
    assert (back.state, back.attempts) == (JobState.QUEUED, 2)


async def test_a_home_can_be_told_more_precisely_later(jobs: JobTable) -> None:
    job = await jobs.add(Requester(owner="ada"), recipe())
    await jobs.set_message_ref(job.id, HOME)
    assert (await jobs.get(job.id)).message_ref == HOME


async def test_only_a_painted_job_becomes_posted_when_it_is_settled(
    jobs: JobTable, tmp_path: Path
) -> None:
    painted, failed = [await jobs.add(Requester(owner="ada"), recipe()) for _ in range(2)]
    await jobs.set_painted(painted.id, [tmp_path / "1.png"])
    await jobs.set_state(failed.id, JobState.FAILED, "No.")
    for job, state in ((painted, JobState.POSTED), (failed, JobState.FAILED)):
        for _ in range(2):  # a crash between showing and settling repeats it
            await jobs.mark_delivered(job.id)
        after = await jobs.get(job.id)
        assert (after.state, after.delivered) == (state, True)


async def test_what_is_not_settled_is_gone_on_with_oldest_first(
    jobs: JobTable, tmp_path: Path
) -> None:
    queued, running, painted, failed, done = [
        await jobs.add(Requester(owner="ada"), recipe()) for _ in range(5)
    ]
    await jobs.set_running(running.id)
    await jobs.set_painted(painted.id, [tmp_path / "1.png"])
    await jobs.set_state(failed.id, JobState.FAILED, "No.")
    await jobs.mark_delivered(done.id)
    left = await jobs.undelivered()
    assert [job.id for job in left] == [queued.id, running.id, painted.id, failed.id]
    assert left[2].pictures == (tmp_path / "1.png",)


async def test_a_deleted_job_leaves_no_rows(
    jobs: JobTable, database: Database, tmp_path: Path
) -> None:
    job = await jobs.add(Requester(owner="ada"), recipe())
    await jobs.set_painted(job.id, [tmp_path / "1.png"])
    await jobs.delete(job.id)
    assert await database.read("SELECT * FROM jobs") == []
    assert await database.read("SELECT * FROM pictures") == []
    assert await jobs.undelivered() == []


# -------------------------------------------------------------------------------------------- usage


async def used(jobs: JobTable, owner: str = "ada") -> int:
    return sum(pictures for _, pictures in await jobs.used_since(owner, 0.0))


async def test_pictures_are_used_when_they_are_asked_for(jobs: JobTable) -> None:
    await jobs.add(Requester(owner="ada"), recipe(count=3))
    await jobs.add(Requester(owner="bob"), recipe(count=2))
    await jobs.add(Requester(owner="ada"), recipe(count=1))
    assert await used(jobs) == 4
    assert await used(jobs, "bob") == 2
    assert await used(jobs, "eve") == 0


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
async def test_what_ends_unpainted_is_given_back(jobs: JobTable, state: JobState) -> None:
    job = await jobs.add(Requester(owner="ada"), recipe(count=3))
    await jobs.add(Requester(owner="ada"), recipe(count=1))
    await jobs.set_state(job.id, state, "No.")
    assert await used(jobs) == 1


async def test_painting_showing_and_deleting_give_nothing_back(
    jobs: JobTable, tmp_path: Path
) -> None:
    """Else deleting one's pictures would be a way around the limit."""
    job = await jobs.add(Requester(owner="ada"), recipe(count=3))
    await jobs.set_running(job.id)
    await jobs.requeue(job.id)
    await jobs.set_painted(job.id, [tmp_path / "1.png"])
    await jobs.mark_delivered(job.id)
    await jobs.delete(job.id)
    assert await used(jobs) == 3


async def test_what_is_older_than_the_window_does_not_count(
    jobs: JobTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    for now in (1000.0, 2000.0, 3000.0):
        monkeypatch.setattr("engine.store.jobs.time.time", lambda now=now: now)
        await jobs.add(Requester(owner="ada"), recipe(count=2))
    assert await jobs.used_since("ada", 1000.0) == [(2000.0, 2), (3000.0, 2)]


async def test_a_job_knows_the_picture_that_it_goes_on_from_even_when_that_is_gone(
    jobs: JobTable,
) -> None:
    first = await jobs.add(Requester(owner="ada"), recipe())
    second = await jobs.add(Requester(owner="bob", parent=Parent(first.id, 2)), recipe())
    await jobs.delete(first.id)
    assert (await jobs.get(second.id)).parent == Parent(first.id, 2) == second.parent
    assert first.parent is None
