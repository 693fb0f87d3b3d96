"""Where a control network's files are, and how they come from the Hub."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import ModelUnavailable
from engine.hub import HubClient
from engine.hub.control_files import WEIGHTS, control_on_disk, download_control
from tests.hub_server import HubServer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with weights in two precisions."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    for name in WEIGHTS:
        save_file({"conv.weight": torch.ones(3)}, folder / name)
    return folder


def test_a_folder_is_taken_as_it_is_unless_it_lacks_something(folder: Path) -> None:
    assert control_on_disk(str(folder)) == folder
    (folder / "config.json").unlink()
    with pytest.raises(ModelUnavailable, match=r"it needs config\.json"):
        control_on_disk(str(folder))
    with pytest.raises(ModelUnavailable, match="isn't a control network"):
        control_on_disk("someone/network/weights.gguf")


def test_the_smaller_weights_come_from_the_hub_once(
    server: HubServer, hub: HubClient, folder: Path
) -> None:
    server.add("someone/network", folder)
    assert control_on_disk("someone/network") is None
    place = download_control("someone/network", hub)
    assert (place / WEIGHTS[0]).is_file()
    assert not (place / WEIGHTS[1]).exists()
    assert control_on_disk("someone/network") == place
    single = f"someone/network/{WEIGHTS[1]}"
    assert download_control(single, hub) == control_on_disk(single)


def test_what_is_no_control_network_is_named_so(
    server: HubServer, hub: HubClient, folder: Path
) -> None:
    for name in WEIGHTS:
        (folder / name).unlink()
    server.add("someone/network", folder)
    with pytest.raises(ModelUnavailable, match="has no file diffusion_pytorch_model"):
        download_control("someone/network", hub)
