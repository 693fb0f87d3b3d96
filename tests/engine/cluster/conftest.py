"""One NATS server for a module, and the sides that meet there."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engine.models.catalogue import SKETCH_FOLDER
from tests.engine.cluster.painter import Painter
from tests.engine.cluster.sides import Bot, Place, open_bot, open_worker, running_server


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with running_server(tmp_path_factory.mktemp("nats"), "attic", "cellar") as place:
        yield place


@pytest.fixture
def model() -> Path:
    """The folder of the built-in model. It is looked at and not loaded, so torch isn't needed."""
    return SKETCH_FOLDER


@pytest.fixture
async def bot(place: Place, tmp_path: Path, model: Path) -> AsyncIterator[Bot]:
    async with open_bot(place, tmp_path / "bot", model) as bot:
        yield bot


@pytest.fixture
async def painter(place: Place, bot: Bot, tmp_path: Path, model: Path) -> AsyncIterator[Painter]:
    """A worker that has joined."""
    painter = Painter()
    async with open_worker(place.invitation(), tmp_path / "worker", model, painter):
        await bot.until_here("attic")
        yield painter
