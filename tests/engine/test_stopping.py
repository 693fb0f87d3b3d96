"""What is left when the studio stops, is killed, or its disk is full."""

import asyncio
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from engine import JobState, Requester, StorageError, Studio
from engine.jobs.attempts import MAX_ATTEMPTS
from engine.store import Database, JobTable
from tests.engine.builders import recipe
from tests.engine.gate import Gate
from tests.engine.studios import Open, events, outcome, reached, submit

pytestmark = pytest.mark.usefixtures("one_thread")


async def undisturbed(open_here: Open, folder: Path, **asked: Any) -> bytes:
    """The picture of a job that nothing happens to."""
    async with open_here(folder) as studio:
        [file] = (await outcome(studio, await submit(studio, **asked))).pictures
        return file.read_bytes()


async def test_stopping_puts_back_what_does_not_finish_within_the_grace(
    open_here: Open, gate: Gate, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"num_inference_steps": 40, "scheduler": "euler_a"}
    async with open_here(batch_size=1) as studio:
        gate.shut()
        running, waiting = await submit(studio, **asked), await submit(studio)
        await reached(gate)
        asyncio.get_running_loop().call_later(0.1, gate.open)
        begun = time.monotonic()
    assert time.monotonic() - begun < 5, "it does not wait for all the steps"
    async with Database(tmp_path / "data" / "atelier.db") as database:
        jobs = JobTable(database, tmp_path / "data")
        for job_id in (running, waiting):
            job = await jobs.get(job_id)
            assert (job.state, job.attempts) == (JobState.QUEUED, 0), "it is not the job's fault"
    async with open_here() as studio:
        [file] = (await outcome(studio, running)).pictures
        assert (await outcome(studio, waiting)).state is JobState.PAINTED
    assert file.read_bytes() == await undisturbed(open_here, tmp_path / "calm", **asked)


async def test_stopping_lets_finish_what_can_within_the_grace(open_here: Open) -> None:
    async with open_here(grace=30.0) as studio:
        job_id = await submit(studio, num_inference_steps=20)
    async with open_here() as studio:
        assert (await studio.job(job_id)).state is JobState.PAINTED


async def test_who_watches_while_the_studio_stops_is_let_go(open_here: Open, gate: Gate) -> None:
    async with open_here() as studio:
        gate.shut()
        watching = asyncio.create_task(events(studio, await submit(studio)))
        await reached(gate)
        asyncio.get_running_loop().call_later(0.1, gate.open)
        await studio.stop()
        seen = await asyncio.wait_for(watching, 5)
        assert seen[-1].state.waiting, "the job is not over: it will be gone on with"


async def left_behind(folder: Path, state: JobState, stops: int = 0, **asked: Any) -> int:
    """A database as a program leaves it that ends all of a sudden."""
    async with Database(folder / "atelier.db") as database:
        jobs = JobTable(database, folder)
        made = recipe(num_inference_steps=8, scheduler="euler_a") if not asked else recipe(**asked)
        job = await jobs.add(Requester(owner="ada", message_ref={"channel": 5}), made)
        if state is JobState.RUNNING:
            await jobs.set_running(job.id)
            for _ in range(stops):
                await jobs.count_stops([job.id])
        return job.id


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
async def test_a_job_that_the_program_died_on_gives_the_same_picture(
    open_here: Open, tmp_path: Path, state: JobState
) -> None:
    job_id = await left_behind(tmp_path / "data", state)
    async with open_here() as studio:
        [file] = (await outcome(studio, job_id)).pictures
        assert (await studio.job(job_id)).message_ref == {"channel": 5}
    calm = await undisturbed(
        open_here, tmp_path / "calm", num_inference_steps=8, scheduler="euler_a"
    )
    assert file.read_bytes() == calm


async def test_a_job_that_keeps_killing_the_program_is_given_up(
    open_here: Open, tmp_path: Path
) -> None:
    job_id = await left_behind(tmp_path / "data", JobState.RUNNING, stops=MAX_ATTEMPTS)
    async with open_here() as studio:
        over = await outcome(studio, job_id)
        assert over.state is JobState.FAILED
        assert over.error == "Gave up: the program stopped 5 times while painting this."
        assert [job.id for job in await studio.undelivered()] == [job_id], "somebody is to be told"


async def test_a_job_whose_model_is_gone_says_so(open_here: Open, tmp_path: Path) -> None:
    job_id = await left_behind(tmp_path / "data", JobState.QUEUED, model="gone")
    async with open_here() as studio:
        over = await outcome(studio, job_id)
        assert over.state is JobState.FAILED
        assert over.error == "The model “gone” is no longer configured."


async def test_what_was_painted_and_not_shown_is_handed_over_at_the_start(
    open_here: Open,
) -> None:
    async with open_here() as studio:
        shown, unshown = await submit(studio), await submit(studio)
        for job_id in (shown, unshown):
            await outcome(studio, job_id)
        await studio.set_message_ref(unshown, {"channel": 6})
        await studio.mark_delivered(shown)
    async with open_here() as studio:
        [job] = await studio.undelivered()
        assert (job.id, job.state, job.message_ref) == (unshown, JobState.PAINTED, {"channel": 6})
        assert all(file.exists() for file in job.pictures)


async def test_a_folder_in_use_is_refused(open_here: Open, tmp_path: Path) -> None:
    async with open_here():
        with pytest.raises(StorageError, match="Another Atelier is already using the folder"):
            await open_here().__aenter__()
    async with open_here():
        pass


async def test_a_folder_that_is_a_file_is_refused(open_here: Open, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(StorageError, match="can't be used"):
        await open_here().__aenter__()


async def test_a_picture_that_cannot_be_saved_fails_alone(
    studio: Studio, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "data" / "pictures"
    in_the_way.write_text("not a folder")
    over = await outcome(studio, await submit(studio))
    assert over.state is JobState.FAILED
    assert over.error is not None
    assert over.error.startswith("The picture couldn't be saved:")
    in_the_way.unlink()
    assert (await outcome(studio, await submit(studio))).state is JobState.PAINTED


async def test_a_database_that_is_full_refuses_new_jobs_and_ends_those_in_hand(
    studio: Studio, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever watches is told, even where the outcome itself cannot be written down."""
    gate.shut()
    job_id = await submit(studio)
    await reached(gate)
    watching = asyncio.create_task(events(studio, job_id))
    database = studio._store.database
    await database.read("PRAGMA query_only = ON")
    with pytest.raises(StorageError, match="The database can't be written to"):
        await submit(studio)
    gate.open()
    over = (await watching)[-1]
    assert over.state is JobState.FAILED
    assert over.error is not None
    assert "The database can't be written to" in over.error
    await database.read("PRAGMA query_only = OFF")
    assert (await outcome(studio, await submit(studio))).state is JobState.PAINTED


async def test_the_database_of_a_running_studio_can_be_read_from_outside(
    studio: Studio, tmp_path: Path
) -> None:
    job_id = await submit(studio)
    await outcome(studio, job_id)
    reader = sqlite3.connect(f"file:{tmp_path / 'data' / 'atelier.db'}?mode=ro", uri=True)
    assert reader.execute("SELECT id, state FROM jobs").fetchall() == [(job_id, "painted")]
    reader.close()


PROGRAM = """
import asyncio, sys
from pathlib import Path
from engine import ImageRequest, Requester, open_studio
from tests.engine.builders import engine_settings, model_settings

async def main(folder, model):
    models = {"tiny": model_settings(model)}
    async with open_studio(engine_settings(), models, Path(folder)) as studio:
        request = ImageRequest(
            prompt="a red house", seed=7, num_inference_steps=150, scheduler="euler_a", width=128
        )
        requester = Requester(owner="ada", message_ref={"channel": 5})
        job = await studio.submit(request, requester)
        async for event in studio.watch(job.id):
            print(event.step, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.slow
async def test_a_program_killed_in_the_middle_of_a_picture_paints_the_same_one_next_time(
    open_here: Open, tmp_path: Path, tiny_model: Path
) -> None:
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, str(tmp_path / "data"), str(tiny_model)),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    assert program.stdout is not None
    async with asyncio.timeout(90):
        while int(await program.stdout.readline()) < 5:
            pass
    with pytest.raises(StorageError, match="Another Atelier is already using the folder"):
        await open_here().__aenter__()
    program.kill()
    await program.wait()
    async with Database(tmp_path / "data" / "atelier.db") as database:
        [job] = await JobTable(database, tmp_path / "data").undelivered()
    assert job.state is JobState.RUNNING, "it was killed in the middle"
    async with open_here() as studio:
        assert (await studio.job(job.id)).attempts == 1
        [file] = (await outcome(studio, job.id)).pictures
        assert (await studio.job(job.id)).message_ref == {"channel": 5}
    calm = await undisturbed(
        open_here,
        tmp_path / "calm",
        num_inference_steps=150,
        scheduler="euler_a",
        width=128,
    )
    assert file.read_bytes() == calm
