"""A house for each test, all of them with the same tiny weights."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from engine import ModelSettings
from tests.cogs.app import App
from tests.discord_server import DiscordServer
from tests.hub_server import HubServer, Repository

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny pipeline with a UNet wide enough that 150 steps of it take a while."""
    import torch

    from tests import tiny

    torch.set_num_threads(1)  # two threads on tensors this small only wait for each other
    return tiny.stable_diffusion(tmp_path_factory.mktemp("weights"), channels=48)


@pytest.fixture(autouse=True)
def _discord_addresses() -> Iterator[None]:
    """discord.py keeps its addresses on classes, and the bot sets them there."""
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before


@pytest.fixture
async def app(weights: Path, tmp_path: Path) -> AsyncIterator[App]:
    """A server with two members, and a data folder; the bot is not there yet.

    What would be waited for because of rate limits is a fifth of what it is at Discord.
    """
    async with DiscordServer() as discord:
        discord.rest.limits.speed = 5.0
        yield App(discord, weights, tmp_path / "data")


@pytest.fixture(scope="session")
def klein_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny FLUX.2 klein."""
    from tests.tiny.flux2_klein import flux2_klein

    return flux2_klein(tmp_path_factory.mktemp("klein"))


@pytest.fixture
def klein(app: App, klein_weights: Path) -> App:
    """The app with a model `klein`, which takes up to four pictures; the default can't edit."""
    app.more_models["klein"] = ModelSettings(
        source=str(klein_weights),
        width=64,
        height=64,
        min_side=64,
        max_side=128,
        num_inference_steps=1,
        guidance_scale=1.0,
    )
    return app


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub on which there is a model, and a Hugging Face cache of the test's own."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("engine.hub.http_download.PAUSE", 0.001)
    with HubServer() as server:
        yield server


@pytest.fixture
def fox(hub: HubServer, weights: Path) -> Repository:
    """That model: someone/fox, of the Stable Diffusion kind."""
    repository = hub.add("someone/fox", weights)
    repository.card = {"license": "openrail"}
    return repository
