"""LoRAs are added and removed while the studio runs, and those for another family are refused."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import diffusers
import pytest

from engine import (
    AdapterSettings,
    DownloadProgress,
    ImageRequest,
    InvalidModel,
    InvalidRequest,
    JobState,
    ModelUnavailable,
    Requester,
    Studio,
    open_studio,
)
from engine.images.output import read_pixels
from engine.jobs.recipe import AdapterUse
from engine.settings import StoredAdapter
from engine.store import AdapterTable, Database
from tests.civitai_server import CivitaiServer, Version
from tests.engine.builders import engine_settings, model_settings
from tests.engine.hub.weights import save
from tests.hub_server import HubServer
from tests.tiny import adapters

pytestmark = pytest.mark.usefixtures("one_thread")

Open = Callable[..., AbstractAsyncContextManager[Studio]]


@pytest.fixture(scope="module")
def inks(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Two LoRAs for the tiny model."""
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(tiny_model)
    folder = tmp_path_factory.mktemp("inks")
    files = (
        adapters.lora(folder / f"{seed}.safetensors", pipe, "unet", "text_encoder", seed=seed)
        for seed in (1, 2)
    )
    return [file.read_bytes() for file in files]


@pytest.fixture
def civitai(monkeypatch: pytest.MonkeyPatch) -> Iterator[CivitaiServer]:
    monkeypatch.delenv("CIVITAI_TOKEN", raising=False)
    with CivitaiServer() as server:
        yield server


@pytest.fixture
def open_here(tmp_path: Path, tiny_model: Path, server: HubServer, civitai: CivitaiServer) -> Open:
    @asynccontextmanager
    async def opened(isolated: bool = False) -> AsyncIterator[Studio]:
        settings = engine_settings(grace=0.0, hub_url=server.endpoint, civitai_url=civitai.endpoint)
        models = {"tiny": model_settings(tiny_model, num_inference_steps=2)}
        named = {"set": AdapterSettings(source="owner/set")}
        async with open_studio(
            settings, models, tmp_path / "data", adapters=named, isolated=isolated
        ) as studio:
            yield studio

    return opened


async def painted(studio: Studio, *uses: AdapterUse, **more: Any) -> bytes:
    """The pixels of a picture with these LoRAs."""
    request = ImageRequest(prompt="a red house", seed=7, adapters=uses, **more)
    job = await studio.submit(request, Requester(owner="ada"))
    async with asyncio.timeout(120):
        [*_, last] = [event async for event in studio.watch(job.id)]
    assert last.state is JobState.PAINTED, last.error
    return read_pixels(last.pictures[0]).data


async def test_a_lora_is_shown_added_used_told_about_and_removed(
    open_here: Open, civitai: CivitaiServer, inks: list[bytes], tmp_path: Path
) -> None:
    """It survives a restart; another one of its name, added after it, isn't taken for it."""
    civitai.add(Version(5, inks[0]))
    civitai.add(Version(6, inks[1], words=()))
    async with open_here() as studio:
        manager = studio.adapter_manager
        plain = await painted(studio)
        found = await manager.candidate("https://civitai.com/models/50/fox")
        assert (found.name, found.settings.source) == ("fox-v1.0", "civitai:5")
        assert found.settings.trigger == "foxx, red fur"
        assert found.settings.family == "sd", "as Civitai says, since tiny layers don't tell"
        assert found.inspection.download_bytes == len(inks[0])
        assert (found.licence or "").startswith("Civitai, selling pictures allowed")
        assert "fox-v1.0" not in studio.adapters
        seen: list[DownloadProgress] = []
        await manager.add(found, seen.append)
        assert seen[-1].done == len(inks[0])
        inked = await painted(studio, AdapterUse("fox-v1.0", 1.0))
        assert inked != plain
    async with open_here() as studio:
        manager = studio.adapter_manager
        info = await manager.info("FOX-v1.0")
        assert (info.adapter.name, info.family, info.base_model) == ("fox-v1.0", "sd", "SD 1.5")
        assert (info.trained_words, info.size) == (("foxx", "red fur"), len(inks[0]))
        assert await painted(studio, AdapterUse("fox-v1.0", 1.0)) == inked
        again = await manager.candidate("civitai:5", name="again")
        assert (again.same_as, again.inspection.download_bytes) == ("fox-v1.0", 0)
        assert await manager.remove("fox-v1.0") >= len(inks[0])
        with pytest.raises(InvalidRequest, match=r"There's no LoRA “fox-v1\.0”"):
            await painted(studio, AdapterUse("fox-v1.0", 1.0))
        await manager.add(await manager.candidate("civitai:6", name="fox-v1.0"))
        other = await painted(studio, AdapterUse("fox-v1.0", 1.0))
        assert other not in (plain, inked)


@pytest.mark.usefixtures("forked")
async def test_the_device_in_its_own_process_knows_what_was_added_since(
    open_here: Open, civitai: CivitaiServer, inks: list[bytes]
) -> None:
    civitai.add(Version(5, inks[0]))
    async with open_here(isolated=True) as studio:
        plain = await painted(studio)
        await studio.adapter_manager.add(await studio.adapter_manager.candidate("civitai:5"))
        assert await painted(studio, AdapterUse("fox-v1.0", 1.0)) != plain


async def test_a_lora_on_the_hub_and_a_file_keep_what_others_need(
    open_here: Open, server: HubServer, inks: list[bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "ink.safetensors").write_bytes(inks[0])
    server.add("someone/ink", folder).card = {"license": "mit"}
    async with open_here() as studio:
        manager = studio.adapter_manager
        found = await manager.candidate("someone/ink", weight=0.5, trigger="inky")
        assert found.settings.source == "someone/ink/ink.safetensors"
        assert (found.settings.weight, found.settings.trigger) == (0.5, "inky")
        assert found.licence == "mit: commercial use allowed"
        await manager.add(found)
        await manager.add(await manager.candidate("someone/ink", name="twin"))
        own = await manager.candidate(str(folder / "ink.safetensors"), name="own")
        assert own.inspection.download_bytes == 0
        await manager.add(own)
        assert await manager.remove("own") == 0
        assert (folder / "ink.safetensors").is_file(), "the owner's own file stays"
        assert await manager.remove("twin") == 0, "the other one needs it"
        assert await manager.remove("ink.safetensors".removesuffix(".safetensors")) > 0


async def test_a_lora_for_another_family_is_refused_before_anything_is_queued(
    open_here: Open, tmp_path: Path
) -> None:
    """By its header alone, wherever the LoRA came from: a file in the folder says nothing else."""
    key = "lora_unet_double_blocks_18_img_attn_qkv.lora_down.weight"
    save(tmp_path / "data" / "loras" / "swirl.safetensors", {key: (8, 3072)})
    async with open_here() as studio:
        with pytest.raises(InvalidRequest) as told:
            await studio.submit(ImageRequest(prompt="a <lora:swirl> house"), Requester(owner="ada"))
        assert str(told.value) == (
            "The LoRA “swirl” is for FLUX.1 models, but tiny is a Stable Diffusion 1/2 model."
        )
        assert studio.queue() == []
        info = await studio.adapter_manager.info("swirl")
        assert (info.family, info.adapter.added) == ("flux", False)


@pytest.mark.parametrize(
    ("name", "error", "sentence"),
    [
        ("set", InvalidModel, "is in the settings file"),
        ("swirl", InvalidModel, "is a file in the folder of LoRAs"),
        ("nobody", InvalidRequest, "There's no LoRA “nobody”"),
    ],
)
async def test_only_what_was_added_can_be_removed(
    open_here: Open, tmp_path: Path, name: str, error: type[Exception], sentence: str
) -> None:
    save(tmp_path / "data" / "loras" / "swirl.safetensors", {"x.lora_up.weight": (8, 8)})
    async with open_here() as studio:
        with pytest.raises(error, match=sentence):
            await studio.adapter_manager.remove(name)


async def test_what_cannot_be_added_is_told(
    open_here: Open, civitai: CivitaiServer, inks: list[bytes], tmp_path: Path
) -> None:
    civitai.add(Version(5, inks[0], kind="Checkpoint"))
    vae = save(tmp_path / "vae.safetensors", {"decoder.conv_in.weight": (8, 8)})
    async with open_here() as studio:
        manager = studio.adapter_manager
        for source, sentence in (
            ("civitai:5", "is a model. Add it with `/model add`"),
            ("civitai:99", "Civitai has no “civitai:99”"),
            (str(vae), "isn't a LoRA: nothing in it changes a layer"),
            ("someone/nothing", "The Hub has no public model"),
        ):
            with pytest.raises(ModelUnavailable, match=sentence):
                await manager.candidate(source)
        for name, sentence in (("set", "already a LoRA named"), ("a b", "isn't a valid name")):
            with pytest.raises(InvalidModel, match=sentence):
                await manager.candidate("civitai:5", name=name)


async def test_jobs_that_wait_keep_their_lora_and_another_program_may_add_one(
    open_here: Open, civitai: CivitaiServer, inks: list[bytes], tmp_path: Path
) -> None:
    civitai.add(Version(5, inks[0]))
    async with open_here() as studio:
        manager = studio.adapter_manager
        async with Database(tmp_path / "data" / "atelier.db") as database:
            await AdapterTable(database).save("new", StoredAdapter(source="civitai:5"))
        await manager.restore()
        request = ImageRequest(
            prompt="a house", adapters=(AdapterUse("new", 1.0),), num_inference_steps=100
        )
        job = await studio.submit(request, Requester(owner="ada"))
        with pytest.raises(InvalidModel, match="1 job still needs “new”"):
            await manager.remove("new")
        await studio.cancel(job.id)
        async for _ in studio.watch(job.id):
            pass
        await manager.remove("new")
        assert "new" not in studio.adapters
