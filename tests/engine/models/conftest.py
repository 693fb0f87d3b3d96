"""A studio whose models change; the Hub is a loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import Studio, open_studio
from tests.engine.builders import engine_settings, model_settings
from tests.engine.models.changing import Open
from tests.hub_server import HubServer


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def open_here(data: Path, tiny_model: Path, server: HubServer) -> Open:
    """Opens the studio with a model `tiny` of the settings, and the loopback Hub."""

    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[Studio]:
        settings = engine_settings(**{"grace": 0.0, "hub_url": server.endpoint} | changes)
        models = {"tiny": model_settings(tiny_model)}
        async with open_studio(settings, models, data) as studio:
            yield studio

    return opened


@pytest.fixture
async def studio(open_here: Open) -> AsyncIterator[Studio]:
    async with open_here() as studio:
        yield studio
