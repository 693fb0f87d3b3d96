"""Where an upscaler's file is, and how it comes from the Hub."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import ModelUnavailable
from engine.hub import HubClient
from engine.hub.upscaler_files import download_upscaler, upscaler_on_disk
from tests.hub_server import HubServer


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    save_file({"conv.weight": torch.ones(3)}, folder / "x4.safetensors")
    (folder / "x4.pth").write_bytes(b"pickled")
    return folder


def test_a_file_is_taken_as_it_is_and_a_pickle_if_that_is_allowed(weights: Path) -> None:
    assert upscaler_on_disk(str(weights / "x4.safetensors")) == weights / "x4.safetensors"
    with pytest.raises(ModelUnavailable, match="is a pickle"):
        upscaler_on_disk(str(weights / "x4.pth"))
    assert upscaler_on_disk(str(weights / "x4.pth"), allow_pickle=True) == weights / "x4.pth"


@pytest.mark.parametrize("source", ["someone/upscaler", "someone/upscaler/x4.gguf"])
def test_what_is_no_file_of_weights_is_refused(source: str) -> None:
    with pytest.raises(ModelUnavailable, match="isn't an upscaler"):
        upscaler_on_disk(source)


def test_it_comes_from_the_hub_once(server: HubServer, hub: HubClient, weights: Path) -> None:
    server.add("someone/upscaler", weights)
    source = "someone/upscaler/x4.safetensors"
    assert upscaler_on_disk(source) is None
    file = download_upscaler(source, hub)
    assert file.read_bytes() == (weights / "x4.safetensors").read_bytes()
    assert upscaler_on_disk(source) == file
    with pytest.raises(ModelUnavailable, match="has no file x8"):
        download_upscaler("someone/upscaler/x8.safetensors", hub)
