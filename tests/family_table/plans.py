"""How new checkpoints are expected to run on cards of four sizes, without the Hub or a card."""

from __future__ import annotations

from engine.hub.sources import origin
from engine.memory.device import DeviceFacts
from engine.memory.plan_table import times
from engine.memory.planner import choose
from engine.models.checkpoints import CHECKPOINTS
from engine.models.inspection import known_inspection
from engine.models.model import Model
from engine.models.planning import plan_request_of
from engine.settings import EngineSettings, ModelSettings
from engine.sizes import human_size

CARDS = (8, 12, 16, 24)
"""GB."""

NEW = (
    "OnomaAIResearch/Illustrious-xl-early-release-v0",
    "Laxhar/noobai-XL-Vpred-1.0",
    "black-forest-labs/FLUX.1-Kontext-dev",
    "black-forest-labs/FLUX.2-dev",
    "Qwen/Qwen-Image-Edit-2511",
    "Qwen/Qwen-Image-2.1",
    "Qwen/Qwen-Image-2.1-Turbo",
    "lodestones/Chroma1-HD",
    "krea/Krea-2-Turbo",
    "krea/Krea-2-Raw",
    "black-forest-labs/flux-3-image-klein",
    "black-forest-labs/flux-3-image-klein-base",
    "circlestone-labs/Anima-Base-v1.0-Diffusers",
    "baidu/ERNIE-Image",
    "baidu/ERNIE-Image-Turbo",
    "ideogram-ai/ideogram-4-nf4",
)
"""Hub IDs; those that the table of checkpoints doesn't have are left out."""

DOES_NOT_FIT = "–"

UNKNOWN = "?"
"""Where the table of checkpoints doesn't say what one is made of."""


def planned() -> list[tuple[str, ...]]:
    """For each checkpoint its Hub ID, the RAM for its weights, and the time on each card.

    Times are those of a picture, relative to everything on the device.
    """
    rows = []
    for source in (each for each in NEW if each in CHECKPOINTS):
        inspection = known_inspection(origin(source))
        if inspection is None:
            rows.append((f"`{source}`", *[UNKNOWN] * (1 + len(CARDS))))
            continue
        model = Model.of("new", ModelSettings(source=source))
        settings = EngineSettings(batch_size=1)
        choices = [
            choose(plan_request_of(model, inspection, DeviceFacts.imagined(card * 10**9), settings))
            for card in CARDS
        ]
        cells = [times(choice.plan.slowdown) if choice.fits else DOES_NOT_FIT for choice in choices]
        rows.append((f"`{source}`", human_size(choices[0].plan.ram_bytes), *cells))
    return rows
