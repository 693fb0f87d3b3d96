"""A plan learns from what was measured of pictures like those that it is for."""

from dataclasses import replace

import pytest

from engine.diffusion import Device
from engine.diffusion.model_memory import STEADY_STEPS, ModelMemory
from engine.diffusion.offload.usage import Usage
from engine.jobs.control import Control, ControlKind
from engine.jobs.recipe import Recipe
from engine.memory.device import DeviceFacts
from engine.memory.measurement import Measurement
from engine.memory.pinning import COST
from engine.memory.placement import working_bytes
from engine.memory.plan import MemoryOptions, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.profiles import ModelProfile, ProfileStore
from tests.engine.builders import engine_settings, model, recipe
from tests.engine.memory.models import GB, plan_request

PLAIN = recipe(width=1024, height=1024)
RECIPES = [
    pytest.param(PLAIN, id="plain"),
    pytest.param(replace(PLAIN, references=("a.png", "b.png")), id="references"),
    pytest.param(
        replace(PLAIN, control=Control(image="map.png", kind=ControlKind.EDGES)), id="control"
    ),
]


def asked(wanted: Recipe, batch: int = 1) -> PlanRequest:
    """What is planned for such a recipe."""
    return replace(
        plan_request("sdxl", 8, batch=batch),
        references=wanted.pictures_beside,
        controlled=wanted.control is not None,
    )


def memory_for(request: PlanRequest, store: ProfileStore) -> tuple[ModelMemory, list[Measurement]]:
    learned: list[Measurement] = []
    device = Device.choose(engine_settings(device="cpu"))
    return ModelMemory(model(), request, device, store, learned.append), learned


@pytest.mark.parametrize("wanted", RECIPES)
@pytest.mark.parametrize("stage", [Stage.ENCODE, Stage.STEP, Stage.DECODE])
def test_a_measured_stage_replaces_the_estimate_whatever_lies_beside_the_picture(
    wanted: Recipe, stage: Stage
) -> None:
    request = asked(wanted)
    memory, learned = memory_for(request, ProfileStore())
    memory.record(stage, 1.0, 1, wanted, Usage(peak_bytes=7 * GB, weight_bytes=2 * GB))
    known = replace(request, profile=ModelProfile(tuple(learned)))
    working = working_bytes(known, tile_side=memory.plan.tile_side, batch=1)
    assert working[stage] == 5 * GB


@pytest.mark.parametrize("wanted", RECIPES)
@pytest.mark.parametrize("stage", list(Stage))
def test_a_failure_is_forgotten_once_the_same_plan_works_for_such_pictures(
    wanted: Recipe, stage: Stage
) -> None:
    store = ProfileStore()
    memory, _ = memory_for(asked(wanted, batch=2), store)
    plan = memory.plan
    memory.fall_back(stage, plan.batch)
    assert [one.stage for one in store if one.failed] == [stage]
    memory.plan = plan
    if stage is Stage.LOAD:
        memory.record_load(1.0)
    else:
        batch = plan.batch if stage is Stage.STEP else 1
        memory.record(stage, 1.0, batch, wanted, Usage(peak_bytes=GB, weight_bytes=GB))
    assert not [one for one in store if one.failed]


def test_a_large_picture_that_failed_to_decode_forbids_no_small_one_with_references() -> None:
    large = replace(asked(PLAIN), width=1536, height=1536)
    store = ProfileStore()
    memory, _ = memory_for(large, store)
    plan = memory.plan
    memory.fall_back(Stage.DECODE, 1)
    profile = ModelProfile(tuple(store))
    beside = replace(asked(PLAIN), references=3)
    usable = large.device.usable_bytes
    assert profile.failure(plan, large.size_at, usable) is not None
    assert profile.failure(plan, beside.size_at, usable) is None


@pytest.mark.parametrize("stage", list(Stage))
def test_only_steps_that_run_out_of_memory_make_batches_smaller(stage: Stage) -> None:
    memory, _ = memory_for(plan_request("sdxl", 12, batch=4), ProfileStore())
    assert memory.plan.batch == 4
    memory.fall_back(stage, 1)
    assert memory.plan.batch == (1 if stage is Stage.STEP else 4)


def step(memory: ModelMemory, seconds: float, batch: int, wanted: Recipe = PLAIN) -> None:
    memory.record(Stage.STEP, seconds, batch, wanted, Usage(peak_bytes=GB, weight_bytes=GB))


def test_a_batch_that_gains_a_quarter_is_kept_however_its_first_steps_went() -> None:
    request = plan_request("sdxl", 24, batch=2)
    memory, saved = memory_for(request, ProfileStore())
    assert memory.plan.batch == 2
    for batch, seconds in ((1, (2.0, 0.92, *[1.0] * 40)), (2, (3.0, 1.74, *[1.6] * 40))):
        for each in seconds:
            step(memory, each, batch)
    assert memory.plan.batch == 2
    known = ModelProfile().plus(*saved)
    assert known.best_batch(memory.plan.key, 1024, 1024, 2) == 2, "after a restart, too"


def test_the_first_step_of_another_size_does_not_count_as_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = plan_request("sdxl", 24, batch=4)
    monkeypatch.setattr(Device, "facts", lambda device, own_bytes=0: request.device)
    memory, _ = memory_for(request, ProfileStore())
    for _ in range(STEADY_STEPS - 1):
        step(memory, 2.0, 4)
    small = replace(PLAIN, width=768, height=768)
    memory.plan_for(768, 768, guided=True, references=0, adapter_bytes={})
    step(memory, 1.0, 1, small)
    step(memory, 20.0, 4, small)
    assert memory.plan.batch == 4
    for _ in range(STEADY_STEPS):
        step(memory, 2.0, 4, small)
    assert memory.plan.batch == 4


@pytest.mark.parametrize(("name", "gb", "ram"), [("flux", 12, 56), ("flux", 8, 48), ("sd3", 8, 40)])
def test_a_loaded_model_keeps_its_precision_when_the_size_changes(
    monkeypatch: pytest.MonkeyPatch, name: str, gb: int, ram: int
) -> None:
    """What it has page-locked itself isn't missing when it is planned for again."""
    settings = MemoryOptions(quantize="if_needed", quantize_text_encoder="if_needed")
    device = replace(DeviceFacts.imagined(gb * GB), ram_free_bytes=ram * GB)
    request = plan_request(name, memory_options=settings, device=device)
    memory, _ = memory_for(request, ProfileStore())

    def facts(_: Device, own_bytes: int = 0) -> DeviceFacts:
        taken = sum(
            COST * place.weight_bytes if place.pinned else place.weight_bytes
            for place in memory.plan.places.values()
        )
        return replace(device, ram_free_bytes=int(ram * GB - taken + own_bytes))

    monkeypatch.setattr(Device, "facts", facts)
    kept = [place.quantization for place in memory.plan.places.values()]
    for side in (896, 1024, 896, 1024):
        memory.plan_for(side, side, guided=True, references=0, adapter_bytes={})
        assert [place.quantization for place in memory.plan.places.values()] == kept
