"""What painting on the card is compared with."""

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

import pytest
import torch

from engine.models.catalogue import Model
from tests import tiny
from tests.card import Card
from tests.card.painting import Painting, paint
from tests.engine.builders import engine_settings, job, model

RECIPE: dict[str, Any] = {"scheduler": "default", "num_inference_steps": 2}

FAMILIES = {
    "sd": "",
    "sdxl": "sdxl",
    "sd3": "sd3",
    "flux": "flux",
    "flux2-klein": "flux2_klein",
    "z-image": "z_image",
    "qwen-image": "qwen_image",
    "pixart-sigma": "pixart_sigma",
    "sana": "sana",
    "lumina2": "lumina2",
}
"""The module of each family's tiny pipeline, whose maker has the same name."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Everything here is tiny, or has no values."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def card() -> Card:
    """A card with more memory than a tiny model needs."""
    return Card(10**9, context=10**8)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Model]:
    """A tiny model of each family."""

    @cache
    def make(family: str) -> Model:
        module = FAMILIES[family]
        maker: Any = tiny.stable_diffusion
        if module:
            maker = getattr(import_module(f"tests.tiny.{module}"), module)
        folder = maker(tmp_path_factory.mktemp(family))
        return model(folder, dtype="float32", scheduler="default")

    return make


@pytest.fixture(scope="module")
def plain(models: Callable[[str], Model]) -> Callable[[str], Painting]:
    """What a family's tiny model paints on the CPU."""

    @cache
    def painted(family: str) -> Painting:
        return paint(models(family), [job(1, **RECIPE)], engine_settings(previews=False))

    return painted
