"""The table of what full-size trainings take in `docs/training.md`.

    python -m tests.card.training_table [NAME …]

prints its rows, which takes minutes: every step is taken, on tensors without values.
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from engine.diffusion.training.footprint import count_step
from engine.memory.device import DeviceFacts
from engine.models.families import FAMILIES
from engine.models.inspection import Inspection
from engine.models.known_components import FAMILY_COMPONENTS
from engine.sizes import human_size
from engine.training.defaults import default_request
from engine.training.footprint import Footprint
from engine.training.plan import TrainingPlan, plan_training
from engine.training.request import Kind, Optimizer, TrainingRequest
from tests.card.folders import FULL_SIZE
from tests.engine.builders import model

CARDS = (6, 8, 12, 16, 24)
"""Their memory, GB."""

CAPTION_TOKENS = 128

LABELS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "sd15": ("sd", "SD 1.5"),
        "sdxl": ("sdxl", "SDXL"),
        "flux2-klein": ("flux2-klein", "FLUX.2 klein base 4B"),
        "z-image": ("z-image", "Z-Image"),
        "flux": ("flux", "FLUX.1 [dev]"),
        "qwen-image": ("qwen-image", "Qwen-Image"),
    }
)
"""The family and the label of each row, by name in `FULL_SIZE`."""


def row(name: str) -> str:
    """The row of a model."""
    plans = list(plans_of(name))
    side = plans[-1].request.side
    cells = [_cell(plan, side) for plan in plans]
    return f"| {LABELS[name][1]} {side}² | {' | '.join(cells)} |"


def plans_of(name: str) -> Iterator[TrainingPlan]:
    """What is planned for a subject on each card."""
    family, label = LABELS[name]
    facts = FAMILIES[family]
    base = model(
        name=label,
        width=facts.side,
        height=facts.side,
        max_side=2 * facts.side,
        guidance_scale=facts.guidance_scale,
    )
    base = replace(base, family=family)
    inspection = Inspection(
        pipeline=facts.pipelines[0], family=family, components=FAMILY_COMPONENTS[family]
    )
    request = default_request(base, "lora", Kind.SUBJECT, "zork")
    request = replace(request, sample_prompts=("zork", "a zork on a hill"))

    @cache
    def count(asked: TrainingRequest) -> Footprint:
        return count_step(_pipeline(name), asked, cpu=False, tokens=CAPTION_TOKENS)

    for gigabytes in CARDS:
        device = DeviceFacts.imagined(gigabytes * 10**9)
        yield plan_training(request, base, inspection, device, count)


def _pipeline(name: str) -> Any:
    with tempfile.TemporaryDirectory() as folder, torch.device("meta"):
        return FULL_SIZE[name].make(Path(folder))


def _cell(plan: TrainingPlan, side: int) -> str:
    if not plan.fits:
        return "—"
    request = plan.request
    marks = {
        "C": request.checkpointing,
        "8": request.optimizer is Optimizer.ADAMW8,
        "4": request.quantize,
        "1": request.accumulate > 1,
        f"{request.side}²": request.side != side,
    }
    chosen = " ".join(mark for mark, is_so in marks.items() if is_so)
    return f"{human_size(plan.peak_bytes)} {chosen}".strip()


def main(names: Iterable[str]) -> None:
    """Print the rows."""
    for name in names:
        print(row(name), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or LABELS)
