"""A model is downloaded while the others paint."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import (
    ImageRequest,
    Job,
    JobEvent,
    JobState,
    ModelSettings,
    ModelUnavailable,
    Requester,
    Studio,
    open_studio,
)
from engine.hub import DownloadProgress, HubClient, LocalFiles, Origin, origin
from engine.jobs.control import ControlKind
from engine.jobs.process import ProcessKind
from engine.models.controls import ControlNetwork
from engine.models.download_manager import DownloadManager
from engine.models.networks import Network
from engine.network_settings import IPAdapterSettings
from tests.engine.builders import engine_settings, model_settings
from tests.engine.hub.conftest import UNET
from tests.engine.hub.weights import save
from tests.engine.waiting import wait_for, wait_for_bytes
from tests.hub_server import Fault, HubServer, Repository
from tests.tiny.classifier import classifier

pytestmark = [pytest.mark.usefixtures("one_thread", "fox")]

Open = Callable[[], AbstractAsyncContextManager[Studio]]


@pytest.fixture
def open_here(tmp_path: Path, tiny_model: Path, server: HubServer) -> Open:
    """Opens a studio with a model that is here, one that is on the Hub and one that is nowhere."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Studio]:
        settings = engine_settings(grace=0.0, hub_url=server.endpoint)
        models = {
            "tiny": model_settings(tiny_model),
            "fox": ModelSettings(source="someone/fox"),
            "away": ModelSettings(source="someone/away"),
        }
        async with open_studio(settings, models, tmp_path / "data") as studio:
            yield studio

    return opened


async def ask(studio: Studio, model: str) -> Job:
    """A small picture by that model."""
    wanted: dict[str, Any] = {"width": 256, "height": 256, "num_inference_steps": 1}
    request = ImageRequest(prompt="a red house", model=model, **wanted)
    return await studio.submit(request, Requester(owner="ada"))


async def until(studio: Studio, job: Job, what: Callable[[JobEvent], bool]) -> JobEvent:
    """The first event of the job that is so."""
    async with asyncio.timeout(60):
        async for event in studio.watch(job.id):
            if what(event):
                return event
    raise AssertionError("the job is over")


def over(event: JobEvent) -> bool:
    """Whether the job has ended."""
    return not event.state.waiting


async def test_others_are_painted_while_the_files_of_a_model_come(
    open_here: Open, fox: Repository
) -> None:
    fox.faults[UNET] = Fault(stall_after=60_000)
    async with open_here() as studio:
        first = await ask(studio, "fox")
        second = await ask(studio, "tiny")
        event = await until(studio, first, lambda event: bool(event.downloaded))
        assert event.downloaded is not None
        assert event.downloaded < 1
        assert (await until(studio, second, over)).state is JobState.PAINTED
        assert studio.event(first.id).downloading
        assert [job.id for job, _ in studio.queue()] == [first.id]


async def test_when_they_are_there_it_is_painted(open_here: Open) -> None:
    async with open_here() as studio:
        job = await ask(studio, "fox")
        assert studio.event(job.id).downloading
        assert (await until(studio, job, over)).state is JobState.PAINTED


async def test_what_cannot_be_had_fails_the_jobs_that_wait_for_it(open_here: Open) -> None:
    async with open_here() as studio:
        jobs = [await ask(studio, "away"), await ask(studio, "away")]
        for job in jobs:
            event = await until(studio, job, over)
            assert event.state is JobState.FAILED
            assert event.error is not None
            assert "no public model “someone/away”" in event.error


async def test_nothing_comes_for_a_job_that_was_called_off(
    open_here: Open, fox: Repository
) -> None:
    fox.faults[UNET] = Fault(stall_after=60_000)
    async with open_here() as studio:
        job = await ask(studio, "fox")
        await until(studio, job, lambda event: event.downloaded is not None)
        assert await studio.cancel(job.id)
        fox.faults.clear()
        again = await ask(studio, "fox")
        assert (await until(studio, again, over)).state is JobState.PAINTED


async def test_after_a_restart_it_goes_on_with_what_has_come(
    open_here: Open, server: HubServer, cache: Path, fox: Repository
) -> None:
    fox.faults[UNET] = Fault(stall_after=60_000)
    async with open_here() as studio:
        job = await ask(studio, "fox")
        await until(studio, job, lambda event: event.downloaded is not None)
        await asyncio.to_thread(wait_for, lambda: server.sent(UNET) >= 60_000)
        await asyncio.to_thread(wait_for_bytes, cache, server.sent(UNET))
    fox.faults.clear()
    async with open_here() as studio:
        assert (await until(studio, job, over)).state is JobState.PAINTED
    assert server.sent(UNET) == len(fox.files[UNET].content), "no byte came twice"


async def test_it_waits_for_what_the_owner_has_begun_to_download(
    open_here: Open,
) -> None:
    async with open_here() as studio:
        fetching = asyncio.create_task(studio.model_manager.download("fox"))
        await asyncio.sleep(0)
        job = await ask(studio, "fox")
        assert (await until(studio, job, over)).state is JobState.PAINTED
        await fetching


async def test_what_is_to_come_first_is_told_and_nothing_is_foreseen_of_it(
    open_here: Open, cache: Path
) -> None:
    asked = {name: ImageRequest(prompt="a red house", model=name) for name in ("tiny", "fox")}
    async with open_here() as studio:
        for name in asked:  # both have painted once, so that their times are known
            await until(studio, await ask(studio, name), over)
        assert await studio.forecast([asked["fox"]], Requester(owner="ada")) is not None
        studio._dispatcher._availability.forget("fox")
        assert await studio.missing([asked["fox"]], Requester(owner="ada")) is None, (
            "it is looked for on the disk"
        )
    shutil.rmtree(cache)
    async with open_here() as studio:
        missing = await studio.missing([asked["tiny"], asked["fox"]], Requester(owner="ada"))
        assert missing is not None
        assert missing.name == "fox"
        assert (
            await studio.missing(
                [asked["tiny"], ImageRequest(prompt="a fish")], Requester(owner="ada")
            )
            is None
        )
        assert await studio.forecast([asked["fox"]], Requester(owner="ada")) is None
        assert await studio.forecast([asked["tiny"]], Requester(owner="ada")) is not None


async def test_the_last_word_of_a_download_that_was_given_up_is_not_the_next_ones(
    open_here: Open, fox: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = DownloadManager.download
    heard: list[Callable[[DownloadProgress], None]] = []

    async def listened(
        self: DownloadManager,
        name: str,
        origin: Origin,
        on_progress: Callable[[DownloadProgress], None],
        **named: Any,
    ) -> LocalFiles:
        heard.append(on_progress)
        return await download(self, name, origin, on_progress, **named)

    monkeypatch.setattr(DownloadManager, "download", listened)
    fox.faults[UNET] = Fault(stall_after=60_000)
    last = DownloadProgress(99, 100, UNET)
    async with open_here() as studio:
        job = await ask(studio, "fox")
        await until(studio, job, lambda event: event.downloaded is not None)
        assert await studio.cancel(job.id)
        heard[0](last)
        again = await ask(studio, "fox")
        heard[0](last)
        assert studio.event(again.id).downloaded != 0.99
        fox.faults.clear()
        assert (await until(studio, again, over)).state is JobState.PAINTED


async def test_a_broken_model_folder_does_not_keep_the_studio_from_opening(
    tmp_path: Path, tiny_model: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model_index.json").write_text("[" * 100_000 + "]" * 100_000)
    models = {"tiny": model_settings(tiny_model), "broken": model_settings(broken)}
    async with open_studio(engine_settings(), models, tmp_path / "data") as studio:
        failed = await until(studio, await ask(studio, "broken"), over)
        assert failed.state is JobState.FAILED
        assert failed.error is not None
        assert "can't be read" in failed.error


async def test_a_thread_that_needs_files_shares_the_download_in_progress(
    server: HubServer, hub: HubClient, fox: Repository
) -> None:
    downloads, fox_model = DownloadManager(hub), origin("someone/fox")
    first, second = await asyncio.gather(
        downloads.download("fox", fox_model),
        asyncio.to_thread(downloads.files, "fox", fox_model),
    )
    assert first == second
    assert server.sent(UNET) == len(fox.files[UNET].content)
    assert not downloads.is_downloading("fox")


async def test_a_thread_that_waits_for_a_cancelled_download_is_told(
    hub: HubClient, fox: Repository
) -> None:
    fox.faults[UNET] = Fault(stall_after=0)
    downloads = DownloadManager(hub)
    waiting = asyncio.create_task(asyncio.to_thread(downloads.files, "fox", origin("someone/fox")))
    await asyncio.to_thread(wait_for, lambda: downloads.is_downloading("fox"))
    [download] = [
        each
        for each in asyncio.all_tasks()
        if getattr(each.get_coro(), "__qualname__", "") == "DownloadManager.download"
    ]
    download.cancel()
    with pytest.raises(ModelUnavailable, match="restarting"):
        await waiting


async def test_a_classifier_on_the_hub_is_downloaded_for_the_thread_that_needs_it(
    server: HubServer, hub: HubClient, tmp_path: Path
) -> None:
    server.add("someone/classifier", classifier(tmp_path, "all"))
    folder = await asyncio.to_thread(DownloadManager(hub).classifier, "someone/classifier")
    assert (folder / "model.safetensors").is_file()


PART = "someone/parts/b.safetensors"
UPSCALER = Network(kind=ProcessKind.UPSCALE, name="large", source=PART)
CONTROL = ControlNetwork(name="lines", source=PART, family="sd", kinds=(ControlKind.LINES,))
IP_ADAPTER = IPAdapterSettings(
    family="sd", source="someone/else/ip.safetensors", image_encoder="someone/parts/encoder"
)


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("classifier", lambda downloads: asyncio.to_thread(downloads.classifier, "someone/parts")),
        ("upscaler", lambda downloads: asyncio.to_thread(downloads.network, UPSCALER)),
        ("control", lambda downloads: asyncio.to_thread(downloads.network, CONTROL)),
        ("language_model", lambda downloads: downloads.language_model("someone/parts", False)),
        ("ip_adapter", lambda downloads: asyncio.to_thread(downloads.ip_adapter, IP_ADAPTER)),
        ("lora", lambda downloads: asyncio.to_thread(downloads.lora, PART)),
        ("lora", lambda downloads: downloads.download_lora("b", PART)),
    ],
)
async def test_deleting_leaves_the_repository_that_a_smaller_download_is_about_to_write_to(
    server: HubServer,
    hub: HubClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    start: Callable[[DownloadManager], Coroutine[Any, Any, object]],
) -> None:
    for name in "ab":
        save(tmp_path / "parts" / f"{name}.safetensors", {"x.lora_up.weight": (8, 8)})
    server.add("someone/parts", tmp_path / "parts")
    downloads, other = DownloadManager(hub), origin("someone/parts/a.safetensors")
    await downloads.download_lora("a", other.source.text)
    begun, go_on = threading.Event(), threading.Event()

    def waits(*_: object, **__: object) -> Path:
        begun.set()
        go_on.wait(30)
        return tmp_path

    monkeypatch.setattr(f"engine.models.download_manager.download_{kind}", waits)
    running = asyncio.create_task(start(downloads))
    await asyncio.to_thread(begun.wait, 30)
    assert await downloads.free(other, ()) == 0
    go_on.set()
    await running
    assert await downloads.free(other, ()) > 0
