"""A model that cannot be loaded is told in a sentence that helps its owner."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from engine.devices.executor_setup import ExecutorSetup
from engine.diffusion import Device
from engine.diffusion.loader import LoadedModel, ModelLoader
from engine.diffusion.offload.weights import size_of
from engine.errors import DeviceUnavailable, ModelUnavailable
from engine.hub import HubClient, download
from engine.models.model import Model
from tests.engine.builders import engine_settings, model, recipe
from tests.engine.diffusion.families.parity import difference, paint


def load(model: Model, **settings: Any) -> LoadedModel:
    wanted = engine_settings(**settings)
    device = Device.choose(wanted)
    setup = ExecutorSetup(
        settings=wanted, find_files=lambda name, origin: download(origin, HubClient())
    )
    loader = ModelLoader(setup, device)
    return loader.load(model, lambda nbytes: None)


def test_a_folder_in_the_diffusers_layout_is_loaded(folders: dict[str, Path]) -> None:
    assert type(load(model(folders["epsilon"])).family).__name__ == "StableDiffusion"
    assert type(load(model(folders["pag"])).family).__name__ == "WholePipeline"


def test_a_single_file_is_told_by_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "picture.safetensors"
    save_file({"a": torch.zeros(2)}, file)
    with pytest.raises(ModelUnavailable, match=r"picture\.safetensors"):
        load(model(file))


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"“.+gone” is neither a folder nor"):
        load(model(tmp_path / "gone"))


def test_a_folder_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"model_index\.json"):
        load(model(tmp_path))


def test_a_model_that_lacks_a_part_says_so(tmp_path: Path, folders: dict[str, Path]) -> None:
    folder = shutil.copytree(folders["epsilon"], tmp_path / "copy")
    (folder / "vae" / "config.json").unlink()
    with pytest.raises(ModelUnavailable, match="vae"):
        load(model(folder))


def test_a_hub_model_that_cannot_be_reached_says_so() -> None:
    """HF_HUB_OFFLINE is set for all tests: the Hub is as good as unplugged."""
    with pytest.raises(ModelUnavailable) as caught:
        load(model("some/model", "hub"))
    assert "“some/model” isn't on disk" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_that_are_cut_off_say_so(tmp_path: Path, folders: dict[str, Path]) -> None:
    """As an interrupted download leaves them."""
    folder = shutil.copytree(folders["epsilon"], tmp_path / "copy")
    [weights] = (folder / "unet").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(ModelUnavailable, match="Download it again"):
        load(model(folder))


def test_the_options_of_a_scheduler_are_laid_over_those_that_the_model_brings(
    folders: dict[str, Path],
) -> None:
    turbo = replace(model(folders["epsilon"]), scheduler_options={"timestep_spacing": "trailing"})
    assert load(turbo).pipe.scheduler.config.timestep_spacing == "trailing"


def test_weights_have_the_precision_that_the_owner_wants(folders: dict[str, Path]) -> None:
    half = load(model(folders["epsilon"], dtype="bfloat16"))
    assert half.pipe.unet.dtype == half.pipe.text_encoder.dtype == torch.bfloat16
    assert load(model(folders["epsilon"])).pipe.unet.dtype == torch.float32


def test_layerwise_casting_halves_what_the_denoiser_takes_and_still_paints(
    folders: dict[str, Path],
) -> None:
    plain = load(model(folders["epsilon"]))
    cast = load(model(folders["epsilon"]), quantize="layerwise")
    assert size_of(cast.pipe.unet) < 0.6 * size_of(plain.pipe.unet)
    asked = recipe(guidance_scale=5.0)
    [exact], [close] = paint(plain.family, asked), paint(cast.family, asked)
    assert 0 < difference(exact, close) < 40


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_auto_means_the_cpu_where_there_is_no_gpu() -> None:
    device = Device.choose(engine_settings(device="auto"))
    assert device.name.type == "cpu"
    assert not device.has_own_memory


def test_a_device_that_is_not_there_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceUnavailable, match=r"“cuda:1”.* found 1 such device here"):
        Device.choose(engine_settings(device="cuda:1"))
