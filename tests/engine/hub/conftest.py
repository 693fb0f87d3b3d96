"""A loopback Hub, and a Hugging Face cache of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.hub import HubClient
from tests.hub_server import HubServer, Repository

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the Hub's client keeps its files."""
    folder = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def server(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub without models; the client may go online for it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("engine.hub.http_download.PAUSE", 0.001)
    with HubServer() as server:
        yield server


@pytest.fixture
def hub(server: HubServer) -> HubClient:
    """How the library reaches it."""
    return HubClient(server.endpoint)


@pytest.fixture
def fox(server: HubServer, tiny_model: Path) -> Repository:
    """A Stable Diffusion pipeline on the Hub, called someone/fox."""
    repository = server.add("someone/fox", tiny_model)
    repository.card = {"license": "other", "license_name": "fox-1", "license_link": "https://fox"}
    return repository
