"""Streaming on the card; `every_rung.py` has all families on all rungs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file

from engine.jobs.recipe import AdapterUse
from engine.memory.plan import Residence, Stage
from engine.models.adapters import AdapterCatalogue
from engine.models.model import Model
from tests.card import Card
from tests.card.painting import Painting, paint
from tests.card.streams import Stream
from tests.engine.builders import engine_settings, job
from tests.test_card.conftest import RECIPE
from tests.test_card.rungs import check_rung, paint_on
from tests.tiny.adapters import lora

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("family", "rung"), [("sd", "stream"), ("flux", "stream"), ("flux2-klein", "sequential")]
)
def test_a_streamed_model_paints_the_cpus_picture_without_a_race(
    card: Card,
    models: Callable[[str], Model],
    plain: Callable[[str], Painting],
    family: str,
    rung: str,
) -> None:
    check_rung(card, family, rung, models, plain)


def test_loras_are_in_the_plan(card: Card, models: Callable[[str], Model], tmp_path: Path) -> None:
    folder = tmp_path / "loras"
    pipe: Any = StableDiffusionPipeline.from_pretrained(models("sd").source)
    file = lora(folder / "ink.safetensors", pipe, "unet", seed=1, rank=64)
    settings = engine_settings(device="cuda", offload="model", previews=False, reserve_gb=0)
    jobs = [
        job(1, **RECIPE, seed=1),
        job(2, **RECIPE, seed=1, adapters=(AdapterUse("ink", 1.0),)),
    ]

    painting = paint(models("sd"), jobs, settings, card, adapters=AdapterCatalogue(folder=folder))

    assert not painting.problems
    assert (painting.pictures[0] != painting.pictures[1]).any()
    plans = [run.plan for run in painting.stages if run.stage is Stage.STEP]
    before, after = plans[0].places["unet"], plans[-1].places["unet"]
    loaded = sum(tensor.nbytes for tensor in load_file(file).values())
    assert after.weight_bytes - before.weight_bytes == loaded
    counted = [m.weight_bytes for m in painting.measurements if m.stage is Stage.STEP]
    assert counted[-1] - counted[0] == loaded


@pytest.mark.parametrize("wait", ["wait_stream", "wait_event"])
def test_a_wait_that_is_left_out_is_found(
    card: Card, models: Callable[[str], Model], monkeypatch: pytest.MonkeyPatch, wait: str
) -> None:
    """`OverlappedTransfer` waits before it fills memory, and before it is used."""
    monkeypatch.setattr(Stream, wait, lambda stream, other: None)

    painting = paint_on(card, models("sd"), "stream")

    assert painting.first_plan is not None
    assert painting.first_plan.places["unet"].residence is Residence.STREAMED
    assert card.race_detector.races
