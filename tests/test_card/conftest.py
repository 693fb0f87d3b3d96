"""What painting on the card is compared with."""

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.diffusion import loader
from engine.diffusion.families import flux_kontext, qwen_image_21, qwen_image_edit
from engine.models.families import FAMILIES as KNOWN
from engine.models.model import Model
from engine.settings import EngineSettings
from tests import tiny
from tests.card import Card
from tests.card.painting import Painting, paint
from tests.engine.builders import engine_settings, job, model
from tests.engine.diffusion.families.unet_pipelines import photo

RECIPE: dict[str, Any] = {"scheduler": "default", "num_inference_steps": 2}

FAMILIES = {
    "sd": "",
    "sdxl": "sdxl",
    "sd3": "sd3",
    "flux": "flux",
    "flux-kontext": "flux_kontext",
    "flux2-klein": "flux2_klein",
    "z-image": "z_image",
    "qwen-image": "qwen_image",
    "qwen-image-edit": "qwen_image_edit",
    "qwen-image-2.1": "qwen_image_21",
    "pixart-sigma": "pixart_sigma",
    "sana": "sana",
    "lumina2": "lumina2",
    "chroma": "chroma",
    "krea2": "krea2",
}
"""The module of each family's tiny pipeline, whose maker has the same name."""


SHOWN = "shown.png"
"""The picture that a tiny model is shown, in its folder, if it takes references."""


def paint_one(entry: Model, settings: EngineSettings, card: Card | None = None) -> Painting:
    """Paint one picture, beside another if the tiny model takes references."""
    shown = tuple(Path(entry.source).glob(SHOWN))
    asked = job(1, **RECIPE, references=tuple(file.name for file in shown))
    with pytest.MonkeyPatch.context() as patch:  # some families scale it to a megapixel
        patch.setattr(flux_kontext, "PREFERRED_KONTEXT_RESOLUTIONS", [(96, 64)])
        patch.setattr(qwen_image_edit, "CONDITION_IMAGE_SIZE", 64 * 64)
        patch.setattr(qwen_image_edit, "VAE_IMAGE_SIZE", 64 * 64)
        patch.setattr(qwen_image_21, "RESOLUTION", 64)
        return paint(entry, [asked], settings, card, references=shown)


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
        if KNOWN[family].references:
            photo(96, 64).save(folder / SHOWN)
        return model(folder, dtype="float32", scheduler="default")

    return make


@pytest.fixture(scope="module")
def plain(models: Callable[[str], Model]) -> Callable[[str], Painting]:
    """What a family's tiny model paints on the CPU, in the layout that a card has at first."""

    @cache
    def painted(family: str) -> Painting:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loader, "use_cpu_kernels", lambda parts: None)
            return paint_one(models(family), engine_settings(previews=False))

    return painted
