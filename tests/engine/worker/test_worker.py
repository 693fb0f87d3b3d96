"""The bridge between asyncio and the painter's thread: the races that it prevents."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.errors import StorageError
from engine.hub import HubClient
from engine.images.output import OutputFolder
from engine.images.uploads import UploadFolder
from engine.jobs.events import JobEvents
from engine.jobs.job import Job, JobEvent, JobState
from engine.jobs.requester import Requester
from engine.jobs.step_times import StepTimes
from engine.models.cache_downloads import CacheDownloads
from engine.models.catalogue import Catalogue
from engine.models.download_manager import DownloadManager
from engine.models.probe import ModelProbe
from engine.safety.checker import SafetyChecker
from engine.safety.decisions import SafetyDecisions
from engine.safety.verdict import UNCHECKED, SafetyVerdict
from engine.settings import SafetySettings
from engine.store import Database, JobTable, MeasurementTable, SafetyTable
from engine.worker.executor_factory import ExecutorFactory
from engine.worker.messages import JobPainted, JobProgress, Pixels
from engine.worker.postprocess import Postprocessor
from engine.worker.worker import Worker
from tests.engine.builders import engine_settings, model_settings, recipe
from tests.engine.conftest import Gate

pytestmark = pytest.mark.usefixtures("one_thread")


class Bench:
    """A worker with everything that it needs around it, all of it real."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        source: Path,
        judge: SafetyChecker | None = None,
        **changes: Any,
    ) -> None:
        self.jobs = JobTable(database, folder)
        self.job_events = JobEvents()
        self.pictures = OutputFolder(folder / "pictures")
        settings = engine_settings(grace=0.0, **changes)
        catalogue = Catalogue({"tiny": model_settings(source)}, "tiny")
        probe = ModelProbe(settings)
        self.download_manager = DownloadManager(probe, catalogue, CacheDownloads(probe.hub))
        safety = SafetyDecisions(SafetyTable(database), self.jobs, judge)
        postprocessor = Postprocessor(self.jobs, self.pictures, safety, self.job_events)
        self.worker = Worker(
            settings,
            catalogue,
            self.jobs,
            UploadFolder(folder / "uploads"),
            self.job_events,
            StepTimes({}, settings.batch_size),
            MeasurementTable(database),
            self.download_manager,
            ExecutorFactory(settings),
            postprocessor,
        )

    async def push(self, **changes: Any) -> Job:
        job = await self.jobs.add(Requester(owner="ada"), recipe(**changes))
        self.worker.push(job)
        return job

    async def outcome(self, job: Job) -> JobEvent:
        async with asyncio.timeout(60):
            return [event async for event in self.job_events.watch(job.id)][-1]


@pytest.fixture
async def model_cache(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Bench]:
    async with Database(tmp_path / "atelier.db") as database:
        model_cache = Bench(database, tmp_path, tiny_model, batch_size=1)
        await model_cache.download_manager.look()
        yield model_cache
        await model_cache.worker.stop()


async def test_as_many_jobs_are_handed_over_as_there_is_room_for_pictures(
    model_cache: Bench, gate: Gate
) -> None:
    gate.shut()
    first = await model_cache.push(count=3)
    second = await model_cache.push()
    assert [job.id for job in model_cache.worker.running] == [first.id]
    assert [job.id for job in model_cache.worker.waiting] == [second.id]
    gate.open()
    assert (await model_cache.outcome(first)).state is JobState.PAINTED
    assert (await model_cache.outcome(second)).state is JobState.PAINTED
    assert not model_cache.worker.running


async def test_progress_taken_while_the_next_one_comes_in_does_not_freeze_the_display(
    model_cache: Bench, gate: Gate
) -> None:
    """The loop may empty the slot between the painter's look at it and its writing to it."""
    gate.shut()
    job = await model_cache.push()
    worker = model_cache.worker

    class Raced(dict[int, JobProgress]):
        """Whoever has looked only goes on when the loop has taken what was seen."""

        def get(self, key: int, default: Any = None) -> Any:
            seen = super().get(key, default)
            for _ in range(1000):
                if key in self:
                    time.sleep(0.01)
            return seen

    worker._thread._progress = Raced()
    for step in (1, 2, 3):
        worker._thread.report(JobProgress(job.id, step, 4))
        await asyncio.to_thread(worker._thread.report, JobProgress(job.id, step + 1, 4))
        await asyncio.sleep(0.05)
        assert model_cache.job_events[job.id].step == step + 1
    gate.open()
    await model_cache.outcome(job)


async def test_a_busy_loop_skips_to_the_latest_progress_and_misses_no_preview(
    model_cache: Bench, gate: Gate
) -> None:
    gate.shut()
    job = await model_cache.push()
    model_cache.worker._thread.report(JobProgress(job.id, 1, 100, preview=b"WebP"))
    for step in range(2, 100):
        model_cache.worker._thread.report(JobProgress(job.id, step, 100))
    seen = []
    async for event in model_cache.job_events.watch(job.id):
        seen.append((event.step, event.preview))
        if event.step == 99:
            break
    assert len(seen) <= 2
    assert seen[-1] == (99, b"WebP")
    gate.open()
    await model_cache.outcome(job)


async def test_progress_that_comes_after_the_end_is_no_matter(model_cache: Bench) -> None:
    job = await model_cache.push()
    await model_cache.outcome(job)
    model_cache.worker._thread.report(JobProgress(job.id, 1, 4))
    await asyncio.sleep(0.05)
    assert model_cache.job_events.get(job.id) is None


async def test_when_the_thread_dies_its_jobs_are_told_and_the_next_one_gets_a_new_thread(
    model_cache: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from engine.diffusion import Executor

    run = Executor.run

    def dies(self: Executor) -> None:
        monkeypatch.setattr(Executor, "run", run)
        raise SystemError("the driver is gone")

    monkeypatch.setattr(Executor, "run", dies)
    first, second = await model_cache.push(), await model_cache.push()
    failed = await model_cache.outcome(first)
    assert failed.state is JobState.FAILED
    assert failed.error is not None
    [record] = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert failed.error.rsplit(" ", 1)[1].rstrip(".") in record.getMessage()
    assert (await model_cache.outcome(second)).state is JobState.PAINTED


async def test_a_device_that_is_not_there_fails_the_job_with_the_reason(
    tmp_path: Path, tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Database(tmp_path / "atelier.db") as database:
        model_cache = Bench(database, tmp_path, tiny_model, device="cuda:99")
        failed = await model_cache.outcome(await model_cache.push())
        await model_cache.worker.stop()
    assert failed.error is not None
    assert failed.error.startswith("[engine] device is set to “cuda:99”, but torch")


async def test_a_bug_while_saving_ends_the_job_and_is_logged(
    model_cache: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else those who watch the job would wait for ever."""

    def breaks(job: Job, pictures: object) -> list[Path]:
        raise RuntimeError("a bug")

    monkeypatch.setattr(model_cache.pictures, "save", breaks)
    failed = await model_cache.outcome(await model_cache.push())
    assert failed.state is JobState.FAILED
    assert failed.error is not None
    incident = failed.error.rsplit(" ", 1)[1].rstrip(".")
    assert any(incident in record.getMessage() for record in caplog.records)


async def test_a_picture_that_comes_at_the_last_moment_is_kept(
    model_cache: Bench, gate: Gate
) -> None:
    """`stop` waits for what the thread has reported, and puts back nothing that is painted."""
    gate.shut()
    job = await model_cache.push(num_inference_steps=1)
    assert await asyncio.to_thread(gate.reached.wait, 60)
    stopping = asyncio.create_task(model_cache.worker.stop())
    gate.open()
    await stopping
    kept = await model_cache.jobs.get(job.id)
    assert kept.state in (JobState.PAINTED, JobState.QUEUED)
    assert bool(kept.pictures) == (kept.state is JobState.PAINTED)


async def test_stopping_without_ever_having_painted_is_at_once(model_cache: Bench) -> None:
    begun = time.monotonic()
    await model_cache.worker.stop()
    await model_cache.worker.stop()
    assert time.monotonic() - begun < 1


async def test_after_stop_nothing_new_is_begun_and_no_thread_is_left(
    model_cache: Bench, gate: Gate
) -> None:
    await model_cache.outcome(await model_cache.push())
    await model_cache.worker.stop()
    late = await model_cache.push()
    await asyncio.sleep(0.05)
    assert (await model_cache.jobs.get(late.id)).state is JobState.QUEUED
    assert not [thread for thread in threading.enumerate() if "painter" in thread.name]


async def test_cancelling_a_job_whose_picture_is_being_saved_is_too_late(
    model_cache: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    saving, go_on = threading.Event(), threading.Event()
    save = model_cache.pictures.save

    def slow(*arguments: Any) -> list[Path]:
        saving.set()
        assert go_on.wait(30)
        return save(*arguments)

    monkeypatch.setattr(model_cache.pictures, "save", slow)
    job = await model_cache.push()
    watching = asyncio.create_task(model_cache.outcome(job))
    assert await asyncio.to_thread(saving.wait, 60)
    assert not await model_cache.worker.cancel(job.id)
    go_on.set()
    assert (await watching).state is JobState.PAINTED


async def test_saving_does_not_hold_up_the_next_job(
    model_cache: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    save = model_cache.pictures.save

    def slow(job: Job, pictures: Any) -> list[Path]:
        if job.id == 1:
            assert go_on.wait(30)
        return save(job, pictures)

    monkeypatch.setattr(model_cache.pictures, "save", slow)
    first, second = await model_cache.push(), await model_cache.push()
    assert (await model_cache.outcome(second)).state is JobState.PAINTED
    assert (await model_cache.jobs.get(first.id)).state is JobState.RUNNING
    go_on.set()
    assert (await model_cache.outcome(first)).state is JobState.PAINTED


async def test_the_outcome_is_in_the_database_before_anybody_is_told(model_cache: Bench) -> None:
    job = await model_cache.push()
    async for event in model_cache.job_events.watch(job.id):
        if not event.state.waiting:
            kept = await model_cache.jobs.get(job.id)
            assert (kept.state, kept.pictures) == (event.state, event.pictures)


async def test_a_full_disk_fails_the_job_with_a_sentence(
    model_cache: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*arguments: Any) -> list[Path]:
        raise StorageError("The picture couldn't be saved: No space left on device.")

    monkeypatch.setattr(model_cache.pictures, "save", full)
    failed = await model_cache.outcome(await model_cache.push())
    assert failed.error == "The picture couldn't be saved: No space left on device."
    assert await model_cache.jobs.used_since("ada", 0.0) == [], "and it is given back to its owner"


class SlowJudge(SafetyChecker):
    """Judges when it is told to."""

    def __init__(self) -> None:
        super().__init__(SafetySettings(classifier="slow"), HubClient())
        self.has_all = asyncio.Event()
        self.go_on = asyncio.Event()
        self._jobs = 0

    async def judge(self, pictures: Sequence[Pixels]) -> tuple[SafetyVerdict, ...]:
        self._jobs += 1
        if self._jobs == 2:
            self.has_all.set()
        await self.go_on.wait()
        return (UNCHECKED,) * len(pictures)


@pytest.fixture
async def slow(tmp_path: Path, tiny_model: Path) -> AsyncIterator[tuple[Bench, SlowJudge]]:
    """A bench whose judge is slow: it has painted as much as it may, and a job waits."""
    judge = SlowJudge()
    async with Database(tmp_path / "atelier.db") as database:
        model_cache = Bench(database, tmp_path, tiny_model, judge, batch_size=4)
        await model_cache.download_manager.look()
        for _ in range(3):
            await model_cache.push(count=4, num_inference_steps=1)
        async with asyncio.timeout(60):
            await judge.has_all.wait()
        yield model_cache, judge
        judge.go_on.set()
        await model_cache.worker.stop()


async def test_the_painter_waits_for_a_judge_who_does_not_keep_up(
    slow: tuple[Bench, SlowJudge],
) -> None:
    model_cache, judge = slow
    await asyncio.sleep(0.1)
    assert [job.id for job in model_cache.worker.running] == [1, 2], "they are still open"
    assert [job.id for job in model_cache.worker.waiting] == [3]
    open_jobs = [*model_cache.worker.running, *model_cache.worker.waiting]
    watching = asyncio.gather(*map(model_cache.outcome, open_jobs))
    await asyncio.sleep(0)
    judge.go_on.set()
    assert [event.state for event in await watching] == [JobState.PAINTED] * 3


async def test_a_job_can_be_called_off_while_its_pictures_wait_for_the_judge(
    slow: tuple[Bench, SlowJudge],
) -> None:
    model_cache, judge = slow
    first, second = model_cache.worker.running
    [third] = model_cache.worker.waiting
    watching = asyncio.create_task(model_cache.outcome(first))
    others = asyncio.gather(model_cache.outcome(second), model_cache.outcome(third))
    await asyncio.sleep(0)
    assert await model_cache.worker.cancel(first.id)
    assert (await watching).state is JobState.CANCELLED
    assert not await model_cache.worker.cancel(first.id)
    judge.go_on.set()
    assert [event.state for event in await others] == [JobState.PAINTED] * 2
    kept = await model_cache.jobs.get(first.id)
    assert (kept.state, kept.pictures) == (JobState.CANCELLED, ())


def test_what_passes_between_the_sides_is_plain() -> None:
    """Bytes and numbers: a tensor that crossed over would keep the device's memory."""
    import engine.worker.messages

    source = Path(engine.worker.messages.__file__).read_text()
    assert "torch" not in source
    assert JobPainted.__slots__ == ("job_id", "pictures")
