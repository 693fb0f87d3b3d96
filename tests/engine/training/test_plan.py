"""What a training takes, and what is given up so that it fits."""

from dataclasses import replace
from typing import Any

import pytest

from engine.memory.device import DeviceFacts
from engine.models.families import FAMILIES
from engine.models.inspection import Inspection
from engine.models.known_components import FAMILY_COMPONENTS
from engine.training.defaults import default_request
from engine.training.footprint import Footprint
from engine.training.plan import TrainingPlan, plan_training
from engine.training.request import Kind, Optimizer, TrainingRequest
from tests.engine.builders import model

GB = 10**9

SDXL = replace(
    model(name="sdxl", width=1024, height=1024, max_side=2048, guidance_scale=6.0), family="sdxl"
)
REQUEST = default_request(SDXL, "zork", Kind.SUBJECT, "zork")
INSPECTION = Inspection(
    pipeline="StableDiffusionXLPipeline", family="sdxl", components=FAMILY_COMPONENTS["sdxl"]
)
CPU = DeviceFacts(
    kind="cpu",
    name="cpu",
    total_bytes=16 * GB,
    free_bytes=16 * GB,
    reserve_bytes=0,
    ram_free_bytes=16 * GB,
)


def count(request: TrainingRequest) -> Footprint:
    """About what is counted of SDXL."""
    per_pixel = 700 if request.checkpointing else 8500
    return Footprint(
        lora=42 * 10**6, working_bytes=per_pixel * request.side**2, largest_layer=13 * 10**6
    )


def plan(
    device: DeviceFacts | float, request: TrainingRequest = REQUEST, **options: Any
) -> TrainingPlan:
    """A plan for SDXL on a device, or on a card of so many GB."""
    if not isinstance(device, DeviceFacts):
        device = DeviceFacts.imagined(int(device * GB))
    return plan_training(request, SDXL, INSPECTION, device, count, **options)


def test_nothing_is_given_up_on_a_large_card() -> None:
    found = plan(24)
    assert found.fits
    assert found.request == REQUEST
    assert not found.measures
    assert found.needs is not None
    step = found.needs.step
    assert step.total == step.weights + step.lora + step.activations + step.workspace
    assert found.peak_bytes >= step.total
    assert step.weights == pytest.approx(2 * 2567.5e6)
    assert step.lora == 42e6 * (4 + 4 + 8)


def test_a_smaller_card_gives_up_what_costs_least() -> None:
    on_12, on_7 = plan(12), plan(7)
    assert on_12.fits
    assert on_7.fits
    assert on_12.request == replace(REQUEST, checkpointing=True)
    assert on_12.measures == ("Checkpoints activations: saves 8.2 GB, takes a third longer.",)
    assert on_7.request.optimizer is Optimizer.ADAMW8 or on_7.request.quantize


def test_what_later_changes_make_needless_isnt_done() -> None:
    found = plan(7)
    for field, usual in (("checkpointing", False), ("quantize", False), ("side", REQUEST.side)):
        if getattr(found.request, field) != usual:
            back: dict[str, Any] = {field: usual}
            without = replace(found.request, **back)
            fixed = list(TrainingRequest.__dataclass_fields__)
            assert not plan(7, without, fixed=fixed).fits, field


def test_what_an_owner_has_said_stays() -> None:
    found = plan(8, fixed=("checkpointing", "quantize", "optimizer", "side"))
    assert found.request == REQUEST
    assert not found.fits
    assert found.problem is not None
    assert "Choose a smaller model" in found.problem


def test_a_batch_becomes_calls_of_one_picture_each() -> None:
    request = replace(REQUEST, batch=4, checkpointing=True)
    found = plan(7.6, request, fixed=("quantize", "side"))
    assert (found.request.batch, found.request.accumulate) == (1, 4)


@pytest.mark.parametrize("free", [40, 16])
def test_on_a_cpu_everything_is_in_ram_and_nothing_needs_cuda(free: int) -> None:
    device = replace(CPU, free_bytes=free * GB, ram_free_bytes=free * GB)
    found = plan(device, replace(REQUEST, batch=2))
    assert found.needs is not None
    assert found.needs.ram == found.peak_bytes
    assert found.request.optimizer is Optimizer.ADAMW
    assert not found.request.quantize
    assert found.needs.step.weights > 4 * 2567.5e6
    assert found.fits == (found.peak_bytes <= free * GB)


def test_time_follows_from_what_was_measured_while_painting() -> None:
    measured = {(1024, 1024, 1): 0.6}
    on_24, on_12 = plan(24, measured=measured), plan(12, measured=measured)
    assert on_24.step_seconds == pytest.approx(0.6 / 2 * 3)
    assert on_12.step_seconds == pytest.approx(0.6 / 2 * 4)
    assert on_24.total_seconds == pytest.approx(REQUEST.steps * 0.9)
    samples = plan(24, replace(REQUEST, sample_prompts=("zork",)), measured=measured)
    assert samples.total_seconds is not None
    assert on_24.total_seconds is not None
    assert samples.total_seconds > on_24.total_seconds
    assert plan(24).step_seconds is None
    beside = plan(24, replace(REQUEST, class_prompt="a dog", class_pictures=5), measured=measured)
    assert beside.step_seconds == pytest.approx(0.6 / 2 * (3 + 4)), "once more without the LoRA"


def test_encoders_that_are_too_large_for_the_card_are_streamed() -> None:
    facts = FAMILIES["flux"]
    flux = replace(SDXL, name="flux", family="flux", guidance_scale=facts.guidance_scale)
    inspection = Inspection(
        pipeline="FluxPipeline", family="flux", components=FAMILY_COMPONENTS["flux"]
    )
    request = default_request(flux, "zork", Kind.SUBJECT, "zork")
    found = plan_training(request, flux, inspection, DeviceFacts.imagined(8 * GB), count)
    assert found.needs is not None
    assert found.needs.preparing < 8 * GB < 2 * 4762e6


def test_the_disk_holds_the_checkpoint_twice_while_it_is_written() -> None:
    assert plan(24, picture_bytes=5).disk_bytes == 42 * 10**6 * (2 * 12 + 2) + 5


def test_text_encoders_that_are_trained_stay_on_the_card() -> None:
    plain, taught = plan(24), plan(24, replace(REQUEST, text_encoder=True))
    assert plain.needs is not None
    assert taught.needs is not None
    assert taught.needs.step.weights - plain.needs.step.weights > 2 * 800e6
