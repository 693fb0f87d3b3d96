"""Where an IP-Adapter's files are, and how they come from the Hub."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import ModelUnavailable
from engine.hub import HubClient
from engine.hub.ip_adapter_files import IPAdapterFiles, download_ip_adapter, ip_adapter_on_disk
from tests.hub_server import HubServer

ADAPTER, ENCODER = "someone/ip/models/plus.safetensors", "someone/ip/models/image_encoder"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    encoder = folder / "models" / "image_encoder"
    encoder.mkdir(parents=True)
    save_file({"proj.weight": torch.ones(3)}, folder / "models" / "plus.safetensors")
    save_file({"conv.weight": torch.ones(3)}, encoder / "model.safetensors")
    (encoder / "config.json").write_text("{}")
    return folder


def test_files_of_this_machine_are_taken_as_they_are(weights: Path) -> None:
    adapter, encoder = weights / "models" / "plus.safetensors", weights / "models/image_encoder"
    files = IPAdapterFiles(adapter, encoder)
    assert ip_adapter_on_disk(str(adapter), str(encoder)) == files
    (encoder / "config.json").unlink()
    with pytest.raises(ModelUnavailable, match=r"Missing: config\.json"):
        ip_adapter_on_disk(str(adapter), str(encoder))


@pytest.mark.parametrize("source", ["someone/ip", "someone/ip/x.gguf", "civitai:12"])
def test_what_is_no_file_of_weights_is_refused(source: str) -> None:
    with pytest.raises(ModelUnavailable, match="isn't an IP-Adapter"):
        ip_adapter_on_disk(source, ENCODER)


def test_an_encoder_is_a_folder_here_or_on_the_hub() -> None:
    with pytest.raises(ModelUnavailable, match="is neither a file nor a Hub ID"):
        ip_adapter_on_disk(ADAPTER, "nowhere")


def test_they_come_from_the_hub_once(server: HubServer, hub: HubClient, weights: Path) -> None:
    server.add("someone/ip", weights)
    assert ip_adapter_on_disk(ADAPTER, ENCODER) is None
    files = download_ip_adapter(ADAPTER, ENCODER, hub)
    assert files.adapter.read_bytes() == (weights / "models/plus.safetensors").read_bytes()
    assert {each.name for each in files.image_encoder.iterdir()} == {
        "config.json",
        "model.safetensors",
    }
    assert ip_adapter_on_disk(ADAPTER, ENCODER) == files
    with pytest.raises(ModelUnavailable, match="has no file"):
        download_ip_adapter("someone/ip/other.safetensors", ENCODER, hub)
