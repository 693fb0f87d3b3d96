"""An upscaler on a card that is not there: its tiles are as large as what is free allows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.devices.messages import JobFailed, JobPainted, JobProgress, ProcessPicture
from engine.diffusion.device import Device
from engine.diffusion.networks import NetworkRunner
from engine.diffusion.networks.runner import MOST_ROOMS
from engine.diffusion.networks.upscaler import Upscaler
from engine.jobs.process import Process, ProcessKind
from engine.models.networks import Network
from tests.card import Card, as_card_tensors, plugged_in
from tests.card.allocator import MIB
from tests.engine.builders import engine_settings, job
from tests.engine.diffusion.harness import noisy
from tests.tiny.upscaler import needs_spandrel, upscaler

pytestmark = [needs_spandrel, pytest.mark.slow]

CARDS: list[Card] = []
"""The last one is plugged in."""

HALF = 3
"""Levels by which half precision on the card may differ from float32."""


class Enlarging:
    """A picture that is enlarged, on a card or on the CPU."""

    def __init__(self, folder: Path, card: Card | None = None) -> None:
        """Do it. Asked to make room, nothing is there that could leave."""
        picture = folder / "picture.png"
        noisy(130, 70).save(picture)
        file = upscaler(folder / "net.safetensors", kind="ESRGAN")
        network = Network(kind=ProcessKind.UPSCALE, name="net", source=str(file))
        process = Process(kind=network.kind, image=picture.name, network="net")
        self.reports: list[object] = []
        self.asked = 0
        settings = engine_settings(device="cuda" if card else "cpu", reserve_gb=0)
        device = Device.choose(settings)
        runner = NetworkRunner(device, lambda _: file, self.reports.append, self._make_room)
        runner.begin(ProcessPicture(job(1, enlarged=2, process=process), network, picture))
        while runner.busy:
            runner.step()

    @property
    def tiles(self) -> int:
        """How many were done."""
        return sum(isinstance(each, JobProgress) for each in self.reports)

    def levels(self) -> np.ndarray:
        """The picture."""
        [painted] = [each for each in self.reports if isinstance(each, JobPainted)]
        return np.frombuffer(painted.pictures[0].data, np.uint8).astype(np.int16)

    def _make_room(self) -> bool:
        self.asked += 1
        return True


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that are loaded may go to a card."""
    load = Upscaler.load.__func__  # type: ignore[attr-defined]

    def onto(cls: type[Upscaler], file: Path) -> Upscaler:
        made: Upscaler = load(cls, file)
        as_card_tensors(made._network.model, CARDS[-1])
        return made

    monkeypatch.setattr(Upscaler, "load", classmethod(onto))


def on_card(folder: Path, size: int) -> tuple[Enlarging, Card]:
    card = Card(size, context=10**8)
    CARDS.append(card)
    with plugged_in(card), torch.inference_mode():
        return Enlarging(folder, card), card


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """What comes out on the CPU."""
    return Enlarging(tmp_path_factory.mktemp("plain")).levels()


@pytest.mark.usefixtures("plug")
@pytest.mark.parametrize(("size", "tiles"), [(10**9, 1), (118 * MIB, 8)])
def test_tiles_fit_what_is_free_and_the_picture_is_the_same(
    tmp_path: Path, plain: np.ndarray, size: int, tiles: int
) -> None:
    enlarging, card = on_card(tmp_path, size)
    assert enlarging.tiles == tiles
    assert np.abs(enlarging.levels() - plain).max() <= HALF
    assert enlarging.asked == 0
    assert card.allocator.allocated == 0, "it has left the card"
    assert card.race_detector.races == []


@pytest.mark.usefixtures("plug")
def test_where_the_smallest_tile_is_too_large_the_model_leaves(tmp_path: Path) -> None:
    enlarging, card = on_card(tmp_path, 10**8 + 6 * MIB)
    assert isinstance(enlarging.reports[-1], JobFailed)
    assert "doesn't fit" in enlarging.reports[-1].sentence
    assert enlarging.asked == MOST_ROOMS
    assert card.allocator.allocated == 0
