"""The device in a process of its own: it may die, and the studio goes on."""

import asyncio
import multiprocessing
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from PIL import Image

from engine import (
    BackgroundSettings,
    ImageRequest,
    JobState,
    Parent,
    Requester,
    Studio,
    open_studio,
)
from engine.devices.attached_device import AttachedDevice
from engine.devices.blame import BlameFile
from engine.devices.device_process import DeviceProcess
from engine.errors import DeviceUnavailable, ModelUnavailable
from engine.hub import Origin
from engine.jobs.job import Job, JobEvent
from engine.memory.profiles import ProfileStore
from tests.engine.builders import engine_settings, model_settings
from tests.hub_server import HubServer, Repository
from tests.tiny.segmenter import segmenter

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

ADA = Requester(owner="ada")

Open = Callable[..., AbstractAsyncContextManager[Studio]]


@pytest.fixture
def opened(tmp_path: Path, tiny_model: Path) -> Open:
    @asynccontextmanager
    async def open_it(
        source: Path | str = tiny_model,
        background: BackgroundSettings | None = None,
        **changes: Any,
    ) -> AsyncIterator[Studio]:
        settings = engine_settings(**{"batch_size": 1} | changes)
        models = {"tiny": model_settings(source)}
        async with open_studio(
            settings, models, tmp_path / "data", isolated=True, background=background
        ) as studio:
            yield studio

    return open_it


async def outcome(studio: Studio, job: Job) -> JobEvent:
    async with asyncio.timeout(90):
        return [event async for event in studio.watch(job.id)][-1]


async def stepped(studio: Studio, job: Job) -> None:
    """Wait until the device has taken steps of the job."""
    async with asyncio.timeout(90):
        async for event in studio.watch(job.id):
            if event.step:
                return


def device() -> Any:
    [found] = multiprocessing.active_children()
    return found


async def test_what_a_dead_device_was_painting_is_painted_again(opened: Open) -> None:
    """The real way for a process to start, twice; only what was being stepped is to blame."""
    async with opened() as studio:
        assert await studio.device_memory() == [], "nobody has started it yet"
        first = await studio.submit(ImageRequest(prompt="a house", num_inference_steps=150), ADA)
        second = await studio.submit(ImageRequest(prompt="a boat"), ADA)
        await stepped(studio, first)
        [memory] = await studio.device_memory()
        assert (memory.name, 0 < memory.used_bytes < memory.total_bytes) == ("cpu", True)
        device().kill()
        for job, attempts in (first, 1), (second, 0):
            assert (await outcome(studio, job)).state is JobState.PAINTED
            assert (await studio.job(job.id)).attempts == attempts
        facts = await studio.model_manager.device_facts()
        assert facts.kind == "cpu"
        assert await studio._store.measurements.all(), "measured there, saved here"
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("forked")
async def test_a_job_that_kills_the_device_again_and_again_is_given_up(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.jobs.attempts.MAX_ATTEMPTS", 2)
    monkeypatch.setattr(
        "engine.diffusion.families.stepped.Stepped.step",
        lambda self, samples, on_step_end: signal.raise_signal(signal.SIGKILL),
    )
    async with opened() as studio:
        job = await studio.submit(ImageRequest(prompt="a house"), ADA)
        event = await outcome(studio, job)
        assert event.state is JobState.FAILED
        assert event.error == "Gave up: the program stopped 2 times while painting this."


@pytest.mark.usefixtures("forked")
async def test_a_job_is_cancelled_and_the_next_one_stops_with_the_studio(opened: Open) -> None:
    async with opened(grace=0.0) as studio:
        job = await studio.submit(ImageRequest(prompt="a house", num_inference_steps=150), ADA)
        await stepped(studio, job)
        await studio.cancel(job.id, ADA.owner)
        assert (await outcome(studio, job)).state is JobState.CANCELLED
        job = await studio.submit(ImageRequest(prompt="a boat", num_inference_steps=150), ADA)
        await stepped(studio, job)
    assert not multiprocessing.active_children()
    async with opened() as studio:
        assert (await outcome(studio, job)).state is JobState.PAINTED
        assert (await studio.job(job.id)).attempts == 0, "nothing was to blame"


@pytest.mark.usefixtures("forked")
async def test_a_network_comes_from_the_hub_and_works_in_the_device(
    opened: Open, server: HubServer, tmp_path: Path
) -> None:
    async with opened() as studio:
        job = await studio.submit(ImageRequest(prompt="a house"), ADA)
        [file] = (await outcome(studio, job)).pictures
    with Image.open(file) as picture:
        server.add("someone/cutter", segmenter(tmp_path / "cutter", picture))
    cutter = BackgroundSettings(model="someone/cutter")
    async with opened(hub_url=server.endpoint, background=cutter) as studio:
        cut = await studio.processes.remove_background(Parent(job.id, 0), ADA)
        event = await outcome(studio, cut)
        assert (event.state, event.error) == (JobState.PAINTED, None)
        with Image.open(event.pictures[0]) as made:
            assert made.mode == "RGBA"


@pytest.mark.usefixtures("forked")
async def test_the_device_asks_the_parent_for_files(
    opened: Open, server: HubServer, fox: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened("someone/fox", hub_url=server.endpoint) as studio:
        job = await studio.submit(ImageRequest(prompt="a house"), ADA)
        assert (await outcome(studio, job)).state is JobState.PAINTED
    async with opened("someone/fox", hub_url=server.endpoint) as studio:
        monkeypatch.setattr("engine.models.download_manager.local_files", _lost)
        job = await studio.submit(ImageRequest(prompt="a house"), ADA)
        assert (await outcome(studio, job)).error == "The model “tiny” couldn't be loaded. Gone."


def _lost(origin: Origin) -> NoReturn:
    raise ModelUnavailable("Gone.")


@pytest.mark.usefixtures("forked")
async def test_a_device_that_is_not_there(opened: Open) -> None:
    async with opened(device="cuda:7") as studio:
        with pytest.raises(DeviceUnavailable, match="cuda:7"):
            await studio.model_manager.require_device()
        event = await outcome(studio, await studio.submit(ImageRequest(prompt="a house"), ADA))
        assert event.state is JobState.FAILED
        assert "cuda:7" in (event.error or "")


@pytest.mark.usefixtures("forked")
async def test_when_one_of_two_devices_dies_the_other_one_goes_on(
    opened: Open, tmp_path: Path
) -> None:
    """Two processes on the CPU, attached as two cards would be."""
    async with opened() as studio:
        dispatcher = studio._dispatcher
        [first] = dispatcher._slots.values()
        host = first.device.host
        assert isinstance(host, DeviceProcess)
        blame = BlameFile.numbered(tmp_path / "data", 1)
        setup = replace(host._setup, profiles=ProfileStore(), blame=blame)
        dispatcher.attach(
            AttachedDevice(
                name="second",
                host=DeviceProcess(setup),
                batch_size=1,
                profiles=setup.profiles,
                local=True,
                blame=blame,
            )
        )
        asked = [ImageRequest(prompt="a house", num_inference_steps=150, seed=7)] * 2
        jobs = [await studio.submit(request, ADA) for request in asked]
        await asyncio.gather(*(stepped(studio, job) for job in jobs))
        killed, _ = sorted(multiprocessing.active_children(), key=lambda child: child.pid or 0)
        killed.kill()
        events = await asyncio.gather(*(outcome(studio, job) for job in jobs))
        assert [event.state for event in events] == [JobState.PAINTED] * 2
        assert sorted([(await studio.job(job.id)).attempts for job in jobs]) == [0, 1]
        painted = [Image.open(event.pictures[0]).tobytes() for event in events]
        assert painted[0] == painted[1]
    assert not multiprocessing.active_children()


async def test_a_device_that_is_lent_takes_no_memory_and_paints_again_afterwards(
    opened: Open,
) -> None:
    async with opened() as studio:
        dispatcher = studio._dispatcher
        assert dispatcher.lending.idle_seconds > 0
        await outcome(studio, await studio.submit(ImageRequest(prompt="a house"), ADA))
        await dispatcher.lending.lend()
        assert multiprocessing.active_children() == []
        job = await studio.submit(ImageRequest(prompt="a boat"), ADA)
        assert dispatcher.lending.idle_seconds == 0
        await asyncio.sleep(0.1)
        assert multiprocessing.active_children() == []
        dispatcher.lending.take_back()
        assert (await outcome(studio, job)).state is JobState.PAINTED
