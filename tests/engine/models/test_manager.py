"""Models are removed, planned and verified while the studio runs; the Hub is a loopback."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from diffusers import StableDiffusionPipeline

from engine import (
    ImageRequest,
    InvalidModel,
    JobState,
    ModelSettings,
    ModelUnavailable,
    Presence,
    Requester,
    Studio,
    TrainingState,
    UnknownModel,
    open_model_manager,
    open_studio,
)
from engine.devices.device_thread import DeviceThread
from engine.devices.messages import ForgetModel
from engine.memory.measurement import Measurement
from engine.memory.plan import Plan, Stage
from engine.store import Database, MeasurementTable, TrainingTable
from engine.training.request import Kind
from tests.engine.builders import engine_settings, model_settings
from tests.engine.gate import Gate
from tests.engine.hub.conftest import UNET
from tests.engine.models.changing import Open, names, outcome, weights_in
from tests.engine.waiting import wait_for
from tests.hub_server import HubServer, Repository
from tests.tiny import adapters

pytestmark = pytest.mark.usefixtures("one_thread")


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


async def test_a_model_that_trainings_need_stays_for_every_program(
    studio: Studio, data: Path, server: HubServer, fox: Repository
) -> None:
    await studio.model_manager.add(await studio.model_manager.candidate("someone/fox"))
    settings = engine_settings(hub_url=server.endpoint, default_model="sketch")
    async with (
        Database(data / "atelier.db") as database,
        open_model_manager(settings, {}, data) as (beside, _),
    ):
        trainings = TrainingTable(database, data / "training")
        training = await trainings.add(
            owner="ada",
            scope="guild",
            message_ref=None,
            name="zork",
            model="fox",
            kind=Kind.SUBJECT,
            trigger="zork",
            private=False,
        )
        for state in (TrainingState.WAITING, TrainingState.RUNNING, TrainingState.PAUSED):
            await trainings.set(training.id, state=state)
            for manager in (studio.model_manager, beside):
                with pytest.raises(InvalidModel, match=r"1 training still needs “fox”\. Wait for"):
                    await manager.remove("fox")
        assert studio.model_manager.disk_usage("fox").presence is Presence.COMPLETE
        await trainings.set(training.id, state=TrainingState.CANCELLED)
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
