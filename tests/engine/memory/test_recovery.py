"""The way back up, once a plan has worked for a while."""

from dataclasses import replace

import pytest

from engine.memory.device import DeviceFacts
from engine.memory.measurement import Measurement
from engine.memory.plan import MemoryOptions, Offload, Plan, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.planner import choose
from engine.memory.recovery import higher_plan
from tests.engine.memory.models import GB, plan_request


def measured(request: PlanRequest, plan: Plan, stage: Stage, **what: object) -> Measurement:
    usable = request.device.usable_bytes
    width, height = request.size_at(stage)
    values = {"width": width, "height": height, "batch": plan.batch, **what}
    return Measurement.of(
        plan,
        stage,
        model="m",
        device="card",
        usable_bytes=usable,
        **values,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(("model", "gb"), [("sdxl", 12), ("flux", 24), ("sd", 4)])
@pytest.mark.parametrize("stage", [Stage.STEP, Stage.DECODE])
def test_what_failed_once_is_tried_again_and_stays_once_it_works(
    model: str, gb: float, stage: Stage
) -> None:
    request = plan_request(model, gb)
    first = choose(request).plan
    failure = measured(request, first, stage, failed=True)
    lowered = replace(request, profile=request.profile.plus(failure))
    lower = choose(lowered).plan
    assert lower.slowdown >= first.slowdown
    assert lower.key != first.key

    trial, tried = lower, []
    while (higher := higher_plan(lowered, trial)) is not None:
        assert (higher.slowdown, -higher.batch) < (trial.slowdown, -trial.batch)
        works = measured(request, higher, stage, peak_bytes=request.device.usable_bytes // 2)
        lowered = replace(lowered, profile=lowered.profile.plus(works))
        assert lowered.profile.failure(higher, request.size_at, request.device.usable_bytes) is None
        trial = higher
        tried.append(trial.key)
    assert len(tried) <= 25
    assert choose(lowered).plan.slowdown <= first.slowdown


@pytest.mark.parametrize("references", [0, 2])
def test_what_is_measured_as_too_large_is_never_tried(references: int) -> None:
    request = replace(plan_request("sd", 4), references=references)
    slow = choose(replace(request, memory_options=MemoryOptions(offload=Offload.SEQUENTIAL))).plan
    usable = request.device.usable_bytes
    everything = [
        measured(request, plan, stage, peak_bytes=plan.weights[stage] + usable)
        for plan in (choose(request).plan, slow)
        for stage in (Stage.ENCODE, Stage.STEP, Stage.DECODE)
    ]
    assert higher_plan(request, slow) is not None
    known = replace(request, profile=request.profile.plus(*everything))
    higher = higher_plan(known, slow)
    assert higher is None or higher.tile_side != choose(request).plan.tile_side


def test_memory_that_another_program_has_given_back_is_used() -> None:
    small, large = plan_request("sdxl", 6), plan_request("sdxl", 24)
    roomy = DeviceFacts.imagined(24 * GB)
    assert higher_plan(replace(small, device=roomy), choose(small).plan) == choose(large).plan
