"""A model that cannot be loaded is told in a sentence that helps its owner."""

import shutil
from pathlib import Path

import pytest
import torch

from engine.diffusion import Device
from engine.diffusion.loading import load
from engine.errors import DeviceUnavailable, ModelUnavailable
from tests.engine.making import model

CPU = Device.choose("cpu", "resident")


def test_a_folder_in_the_diffusers_layout_is_loaded(folders: dict[str, Path]) -> None:
    assert type(load(model(folders["epsilon"]), CPU)).__name__ == "StableDiffusion"
    assert type(load(model(folders["xl"]), CPU)).__name__ == "Whole"


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"The model “tiny” cannot be loaded: .+\.$"):
        load(model(tmp_path / "gone"), CPU)


def test_a_folder_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"model_index\.json"):
        load(model(tmp_path), CPU)


def test_a_model_that_lacks_a_part_says_so(tmp_path: Path, folders: dict[str, Path]) -> None:
    folder = shutil.copytree(folders["epsilon"], tmp_path / "copy")
    (folder / "vae" / "config.json").unlink()
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        load(model(folder), CPU)


def test_a_hub_model_that_cannot_be_reached_says_so() -> None:
    """HF_HUB_OFFLINE is set for all tests: the Hub is as good as unplugged."""
    with pytest.raises(ModelUnavailable) as caught:
        load(model("some/model", "hub"), CPU)
    assert "“hub” cannot be loaded" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_that_are_cut_off_say_so(tmp_path: Path, folders: dict[str, Path]) -> None:
    """As an interrupted download leaves them."""
    folder = shutil.copytree(folders["epsilon"], tmp_path / "copy")
    [weights] = (folder / "unet").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        load(model(folder), CPU)


def test_the_cpu_computes_in_single_precision_and_offloads_nothing() -> None:
    device = Device.choose("cpu", "model")
    assert (device.dtype("auto"), device.offload) == (torch.float32, "resident")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_auto_means_the_cpu_where_there_is_no_gpu() -> None:
    assert Device.choose("auto", "model") == Device.choose("cpu", "model")


def test_a_gpu_computes_in_half_precision_and_may_offload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    device = Device.choose("cuda:1", "sequential")
    assert (str(device.name), device.dtype("auto")) == ("cuda:1", torch.float16)
    assert device.offload == "sequential"


def test_a_device_that_is_not_there_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceUnavailable, match=r"“cuda:1”.* finds 1 such devices here"):
        Device.choose("cuda:1", "model")
