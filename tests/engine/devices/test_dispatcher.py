"""The dispatcher between the event loop and a device's thread: the races that it prevents."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.devices.attached_device import AttachedDevice
from engine.devices.device_thread import DeviceThread
from engine.devices.dispatcher import Dispatcher
from engine.devices.executor_setup import ExecutorSetup
from engine.devices.messages import JobPainted, JobProgress, Pixels
from engine.devices.postprocess import Postprocessor
from engine.errors import StorageError
from engine.hub import HubClient
from engine.images.output import OutputFolder
from engine.images.uploads import UploadFolder
from engine.jobs.events import JobEvents
from engine.jobs.job import Job, JobEvent, JobState, Parent
from engine.jobs.recipe import Recipe
from engine.jobs.requester import Requester
from engine.memory.profiles import ProfileStore
from engine.models.availability import ModelAvailability
from engine.models.catalogue import Catalogue
from engine.models.download_manager import DownloadManager
from engine.models.probe import ModelProbe
from engine.safety.checker import SafetyChecker
from engine.safety.classifier import ClassifierThread
from engine.safety.verdict import UNCHECKED, SafetyVerdict
from engine.settings import SafetySettings
from engine.store import Database, JobTable, MeasurementTable, SafetyTable
from tests.engine.builders import engine_settings, model_settings, recipe
from tests.engine.gate import Gate

pytestmark = pytest.mark.usefixtures("one_thread")


class Harness:
    """A dispatcher with everything that it needs, all of it real."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        source: Path,
        checker: type[SafetyChecker] = SafetyChecker,
        **changes: Any,
    ) -> None:
        self.jobs = JobTable(database, folder)
        self.job_events = JobEvents()
        self.pictures = OutputFolder(folder / "pictures")
        settings = engine_settings(grace=0.0, **changes)
        catalogue = Catalogue({"tiny": model_settings(source)}, "tiny")
        hub = HubClient()
        downloads = DownloadManager(hub)
        self.availability = ModelAvailability(ModelProbe(settings, hub), catalogue, downloads)
        rules = SafetySettings()
        self.safety = checker(
            rules, SafetyTable(database), self.jobs, ClassifierThread(rules, downloads.classifier)
        )
        self.setup = ExecutorSetup(settings=settings, find_files=downloads.files)
        self.dispatcher = Dispatcher(
            settings,
            catalogue,
            UploadFolder(folder / "uploads"),
            self.jobs,
            MeasurementTable(database),
            self.job_events,
            self.availability,
            Postprocessor(self.jobs, self.pictures, self.safety, self.job_events),
        )
        self.device = DeviceThread(self.setup)
        self.profiles = self.attach("cpu", self.device)

    def attach(self, name: str, host: DeviceThread | None = None) -> ProfileStore:
        """Paint on one more device; returns what is measured there."""
        setup = self.setup if host else replace(self.setup, profiles=ProfileStore())
        self.dispatcher.attach(
            AttachedDevice(
                name=name,
                host=host or DeviceThread(setup),
                batch_size=setup.settings.batch_size,
                profiles=setup.profiles,
                local=True,
            )
        )
        return setup.profiles

    async def push(self, **changes: Any) -> Job:
        job = await self.jobs.add(Requester(owner="ada"), recipe(**changes))
        self.dispatcher.push(job)
        return job

    async def outcome(self, job: Job) -> JobEvent:
        async with asyncio.timeout(60):
            return [event async for event in self.job_events.watch(job.id)][-1]


@pytest.fixture
async def harness(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Harness]:
    async with Database(tmp_path / "atelier.db") as database:
        harness = Harness(database, tmp_path, tiny_model, batch_size=1)
        await harness.availability.scan()
        yield harness
        await harness.dispatcher.stop()


async def test_as_many_jobs_are_handed_over_as_there_is_room_for_pictures(
    harness: Harness, gate: Gate
) -> None:
    gate.shut()
    first = await harness.push(count=3)
    second = await harness.push()
    assert [job.id for job in harness.dispatcher.running] == [first.id]
    assert [job.id for job in harness.dispatcher.waiting] == [second.id]
    watching = asyncio.gather(harness.outcome(first), harness.outcome(second))
    await asyncio.sleep(0)
    gate.open()
    assert [event.state for event in await watching] == [JobState.PAINTED] * 2
    assert not harness.dispatcher.running


async def test_progress_taken_while_the_next_one_comes_in_does_not_freeze_the_display(
    harness: Harness, gate: Gate
) -> None:
    """The loop may empty the slot between the thread's look at it and its writing to it."""
    gate.shut()
    job = await harness.push()

    class Raced(dict[int, JobProgress]):
        """A reader goes on only when the loop has taken what it has seen."""

        def get(self, key: int, default: Any = None) -> Any:
            seen = super().get(key, default)
            for _ in range(1000):
                if key in self:
                    time.sleep(0.01)
            return seen

    harness.device._progress = Raced()
    for step in (1, 2, 3):
        harness.device.report(JobProgress(job.id, step, 4))
        await asyncio.to_thread(harness.device.report, JobProgress(job.id, step + 1, 4))
        await asyncio.sleep(0.05)
        assert harness.job_events[job.id].step == step + 1
    gate.open()
    await harness.outcome(job)


async def test_a_busy_loop_skips_to_the_latest_progress_and_misses_no_preview(
    harness: Harness, gate: Gate
) -> None:
    gate.shut()
    job = await harness.push()
    harness.device.report(JobProgress(job.id, 1, 100, preview=b"WebP"))
    for step in range(2, 100):
        harness.device.report(JobProgress(job.id, step, 100))
    seen = []
    async for event in harness.job_events.watch(job.id):
        seen.append((event.step, event.preview))
        if event.step == 99:
            break
    assert len(seen) <= 2
    assert seen[-1] == (99, b"WebP")
    gate.open()
    await harness.outcome(job)


async def test_progress_that_comes_after_the_end_is_no_matter(harness: Harness) -> None:
    job = await harness.push()
    await harness.outcome(job)
    harness.device.report(JobProgress(job.id, 1, 4))
    await asyncio.sleep(0.05)
    assert harness.job_events.get(job.id) is None


async def test_when_the_thread_dies_its_jobs_are_told_and_the_next_one_gets_a_new_thread(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from engine.diffusion import Executor

    run = Executor.run

    def dies(self: Executor) -> None:
        monkeypatch.setattr(Executor, "run", run)
        raise SystemError("the driver is gone")

    monkeypatch.setattr(Executor, "run", dies)
    first, second = await harness.push(), await harness.push()
    failed = await harness.outcome(first)
    assert failed.state is JobState.FAILED
    assert failed.error is not None
    [record] = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert failed.error.rsplit(" ", 1)[1].rstrip(".") in record.getMessage()
    assert (await harness.outcome(second)).state is JobState.PAINTED


async def test_a_device_that_is_not_there_fails_the_job_with_the_reason(
    tmp_path: Path, tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Database(tmp_path / "atelier.db") as database:
        harness = Harness(database, tmp_path, tiny_model, device="cuda:99")
        failed = await harness.outcome(await harness.push())
        await harness.dispatcher.stop()
    assert failed.error is not None
    assert failed.error.startswith("[engine] device is set to “cuda:99”, but torch")


async def test_a_bug_while_saving_ends_the_job_and_is_logged(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else those who watch the job would wait for ever."""

    def breaks(job: Job, pictures: object) -> list[Path]:
        raise RuntimeError("a bug")

    monkeypatch.setattr(harness.pictures, "save", breaks)
    failed = await harness.outcome(await harness.push())
    assert failed.state is JobState.FAILED
    assert failed.error is not None
    incident = failed.error.rsplit(" ", 1)[1].rstrip(".")
    assert any(incident in record.getMessage() for record in caplog.records)


async def test_a_picture_that_comes_at_the_last_moment_is_kept(
    harness: Harness, gate: Gate
) -> None:
    """`stop` waits for what the thread has reported, and puts back nothing that is painted."""
    gate.shut()
    job = await harness.push(num_inference_steps=1)
    assert await asyncio.to_thread(gate.reached.wait, 60)
    stopping = asyncio.create_task(harness.dispatcher.stop())
    gate.open()
    await stopping
    kept = await harness.jobs.get(job.id)
    assert kept.state in (JobState.PAINTED, JobState.QUEUED)
    assert bool(kept.pictures) == (kept.state is JobState.PAINTED)


async def test_stopping_without_ever_having_painted_is_at_once(harness: Harness) -> None:
    begun = time.monotonic()
    await harness.dispatcher.stop()
    await harness.dispatcher.stop()
    assert time.monotonic() - begun < 1


async def test_after_stop_nothing_new_is_begun_and_no_thread_is_left(
    harness: Harness, gate: Gate
) -> None:
    await harness.outcome(await harness.push())
    await harness.dispatcher.stop()
    late = await harness.push()
    await asyncio.sleep(0.05)
    assert (await harness.jobs.get(late.id)).state is JobState.QUEUED
    assert not [thread for thread in threading.enumerate() if thread.name == "device"]


async def test_cancelling_a_job_whose_picture_is_being_saved_is_too_late(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    saving, go_on = threading.Event(), threading.Event()
    save = harness.pictures.save

    def slow(*arguments: Any) -> list[Path]:
        saving.set()
        assert go_on.wait(30)
        return save(*arguments)

    monkeypatch.setattr(harness.pictures, "save", slow)
    job = await harness.push()
    watching = asyncio.create_task(harness.outcome(job))
    assert await asyncio.to_thread(saving.wait, 60)
    assert not await harness.dispatcher.cancel(job.id)
    go_on.set()
    assert (await watching).state is JobState.PAINTED


async def test_saving_does_not_hold_up_the_next_job(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    save = harness.pictures.save

    def slow(job: Job, pictures: Any) -> list[Path]:
        if job.id == 1:
            assert go_on.wait(30)
        return save(job, pictures)

    monkeypatch.setattr(harness.pictures, "save", slow)
    first, second = await harness.push(), await harness.push()
    assert (await harness.outcome(second)).state is JobState.PAINTED
    assert (await harness.jobs.get(first.id)).state is JobState.RUNNING
    go_on.set()
    assert (await harness.outcome(first)).state is JobState.PAINTED


async def test_the_outcome_is_in_the_database_before_anybody_is_told(harness: Harness) -> None:
    job = await harness.push()
    async for event in harness.job_events.watch(job.id):
        if not event.state.waiting:
            kept = await harness.jobs.get(job.id)
            assert (kept.state, kept.pictures) == (event.state, event.pictures)


async def test_a_full_disk_fails_the_job_with_a_sentence(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*arguments: Any) -> list[Path]:
        raise StorageError("The picture couldn't be saved: No space left on device.")

    monkeypatch.setattr(harness.pictures, "save", full)
    failed = await harness.outcome(await harness.push())
    assert failed.error == "The picture couldn't be saved: No space left on device."
    assert await harness.jobs.used_since("ada", 0.0) == [], "and it is given back to its owner"


class SlowChecker(SafetyChecker):
    """Checks pictures when it is told to."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.has_all = asyncio.Event()
        self.go_on = asyncio.Event()
        self._number = 0

    async def check(
        self, recipe: Recipe, parent: Parent | None, pictures: Sequence[Pixels]
    ) -> tuple[SafetyVerdict, ...]:
        self._number += 1
        if self._number == 2:
            self.has_all.set()
        await self.go_on.wait()
        return (UNCHECKED,) * len(pictures)


@pytest.fixture
async def slow(tmp_path: Path, tiny_model: Path) -> AsyncIterator[tuple[Harness, SlowChecker]]:
    """A dispatcher whose checker is slow: it has painted as much as it may, and a job waits."""
    async with Database(tmp_path / "atelier.db") as database:
        harness = Harness(database, tmp_path, tiny_model, SlowChecker, batch_size=4)
        checker = harness.safety
        assert isinstance(checker, SlowChecker)
        await harness.availability.scan()
        for _ in range(3):
            await harness.push(count=4, num_inference_steps=1)
        async with asyncio.timeout(60):
            await checker.has_all.wait()
        yield harness, checker
        checker.go_on.set()
        await harness.dispatcher.stop()


async def test_the_device_waits_for_a_checker_that_does_not_keep_up(
    slow: tuple[Harness, SlowChecker],
) -> None:
    harness, checker = slow
    await asyncio.sleep(0.1)
    assert [job.id for job in harness.dispatcher.running] == [1, 2], "they are still open"
    assert [job.id for job in harness.dispatcher.waiting] == [3]
    open_jobs = [*harness.dispatcher.running, *harness.dispatcher.waiting]
    watching = asyncio.gather(*map(harness.outcome, open_jobs))
    await asyncio.sleep(0)
    checker.go_on.set()
    assert [event.state for event in await watching] == [JobState.PAINTED] * 3


async def test_a_job_can_be_cancelled_while_its_pictures_wait_to_be_checked(
    slow: tuple[Harness, SlowChecker],
) -> None:
    harness, checker = slow
    first, second = harness.dispatcher.running
    [third] = harness.dispatcher.waiting
    watching = asyncio.create_task(harness.outcome(first))
    others = asyncio.gather(harness.outcome(second), harness.outcome(third))
    await asyncio.sleep(0)
    assert await harness.dispatcher.cancel(first.id)
    assert (await watching).state is JobState.CANCELLED
    assert not await harness.dispatcher.cancel(first.id)
    checker.go_on.set()
    assert [event.state for event in await others] == [JobState.PAINTED] * 2
    kept = await harness.jobs.get(first.id)
    assert (kept.state, kept.pictures) == (JobState.CANCELLED, ())


def test_what_passes_between_the_sides_is_plain() -> None:
    """Bytes and numbers: a tensor that crossed over would keep the device's memory."""
    import engine.devices.messages

    source = Path(engine.devices.messages.__file__).read_text()
    assert "torch" not in source
    assert JobPainted.__slots__ == ("job_id", "pictures")


async def test_two_real_devices_paint_at_the_same_time_what_each_would_alone(
    harness: Harness, gate: Gate
) -> None:
    """Both on the CPU, which torch knows only once; each has its own executor and measurements."""
    second = harness.attach("second")
    gate.shut()
    jobs = [await harness.push(seed=seed) for seed in (7, 7, 8)]
    assert [job.id for job in harness.dispatcher.running] == [jobs[0].id, jobs[1].id]
    assert [job.id for job in harness.dispatcher.waiting] == [jobs[2].id]
    watching = asyncio.gather(*map(harness.outcome, jobs))
    await asyncio.sleep(0)
    gate.open()
    assert [event.state for event in await watching] == [JobState.PAINTED] * 3
    pictures = []
    for job in jobs:
        [file] = (await harness.jobs.get(job.id)).pictures
        pictures.append(await asyncio.to_thread(pixels, file))
    assert pictures[0] == pictures[1] != pictures[2]
    assert sum(device.pictures for device in harness.dispatcher.devices) == 3
    assert all(len(list(store)) for store in (harness.profiles, second))


async def test_what_one_of_two_real_devices_was_painting_is_painted_by_the_other(
    harness: Harness, gate: Gate
) -> None:
    alone = await harness.push()
    await harness.outcome(alone)
    harness.attach("second")
    gate.shut()
    jobs = [await harness.push() for _ in range(2)]
    assert await asyncio.to_thread(gate.reached.wait, 60)
    watching = asyncio.gather(*map(harness.outcome, jobs))
    leaving = asyncio.create_task(harness.dispatcher.detach("cpu"))
    await asyncio.sleep(0)
    gate.open()
    await leaving
    await watching
    painted = []
    for job in (alone, *jobs):
        kept = await harness.jobs.get(job.id)
        assert (kept.state, kept.attempts) == (JobState.PAINTED, 0)
        painted.append(await asyncio.to_thread(pixels, kept.pictures[0]))
    assert painted[0] == painted[1] == painted[2], "the same seed, the same picture"


def pixels(file: Path) -> bytes:
    with Image.open(file) as picture:
        return picture.tobytes()
