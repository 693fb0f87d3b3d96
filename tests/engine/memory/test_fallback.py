"""The ladder down after running out of memory."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from engine.memory.device import DeviceFacts
from engine.memory.fallback import largest_size_that_fits, next_plan
from engine.memory.measurement import Measurement
from engine.memory.plan import MemoryOptions, Offload, Plan, Residence, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.planner import choose
from tests.engine.memory.models import GB, MODELS, plan_request

STAGES = [Stage.LOAD, Stage.ENCODE, Stage.STEP, Stage.DECODE]


def walk(asked: PlanRequest, stage: Stage) -> Iterator[Plan]:
    """The plans tried when every one of them fails at `stage`, as the engine would remember it."""
    plan: Plan | None = choose(asked).plan
    while plan:
        yield plan
        failure = Measurement.of(
            plan,
            stage,
            model="tiny",
            device="card",
            width=asked.width,
            height=asked.height,
            batch=plan.batch,
            usable_bytes=asked.device.usable_bytes,
            failed=True,
        )
        asked = replace(asked, profile=asked.profile.plus(failure))
        plan = next_plan(asked, plan, stage)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("model", "gb"), [("sd", 12), ("sdxl", 8), ("flux", 24), ("z-image", 80)])
def test_the_way_down_ends_and_never_turns_up(model: str, gb: float, stage: Stage) -> None:
    tried = list(walk(plan_request(model, gb, batch=2), stage))
    assert 2 <= len(tried) <= 25
    for before, after in pairwise(tried):
        assert all(after.peaks[s] <= before.peaks[s] for s in STAGES)
        assert sum(after.peaks.values()) < sum(before.peaks.values())
    assert len({(plan.key, plan.batch) for plan in tried}) == len(tried)


def test_a_step_that_fails_is_tried_with_a_smaller_batch_first() -> None:
    tried = walk(plan_request("sd", 12, batch=4), Stage.STEP)
    first, second, third, fourth = (next(tried) for _ in range(4))
    assert [first.batch, second.batch, third.batch, fourth.batch] == [4, 2, 1, 1]
    assert first.key == second.key == third.key != fourth.key


def test_a_decode_that_fails_is_tried_in_tiles_then_in_smaller_ones() -> None:
    tried = walk(plan_request("sdxl", 80, batch=4), Stage.DECODE)
    assert [next(tried).tile_side for _ in range(3)] == [0, 512, 256]


def test_a_prompt_that_fails_to_be_read_drives_the_rest_away() -> None:
    first, second, *_, last = walk(plan_request("flux", 48), Stage.ENCODE)
    assert first.places["text_encoder_2"].residence is Residence.RESIDENT
    assert second.weights[Stage.ENCODE] < first.weights[Stage.ENCODE]
    assert last.places["text_encoder_2"].layer_by_layer


def test_the_bottom_is_layer_by_layer() -> None:
    *_, last = walk(plan_request("sdxl", 8), Stage.STEP)
    assert all(place.layer_by_layer for place in last.places.values())
    assert next_plan(plan_request("sdxl", 8), last, Stage.STEP) is None


def test_the_ladder_never_quantizes_unasked() -> None:
    assert not any(plan.changes_picture for plan in walk(plan_request("flux", 8), Stage.STEP))
    memory_options = MemoryOptions(quantize="if_needed", quantize_text_encoder="if_needed")
    asked = plan_request("sd", 1.5, memory_options=memory_options)
    assert any(plan.changes_picture for plan in walk(asked, Stage.STEP))


def test_a_rung_the_owner_has_fixed_gives_way_when_it_cannot_work() -> None:
    memory_options = MemoryOptions(offload=Offload.RESIDENT, vae_tiling=False)
    first, second, *_ = walk(plan_request("sdxl", 24, memory_options=memory_options), Stage.DECODE)
    assert {place.residence for place in first.places.values()} == {Residence.RESIDENT}
    assert second.peaks[Stage.DECODE] < first.peaks[Stage.DECODE]


def test_on_a_cpu_there_are_smaller_batches_and_tiles() -> None:
    machine = DeviceFacts(
        kind="cpu", name="cpu", total_bytes=64 * GB, free_bytes=64 * GB, reserve_bytes=GB
    )
    asked = plan_request("sdxl", device=machine, batch=2)
    assert [plan.batch for plan in walk(asked, Stage.STEP)][:2] == [2, 1]
    assert [plan.tile_side for plan in walk(asked, Stage.DECODE)] == [0, 512, 256]


def test_the_largest_size_that_fits_is_smaller_and_of_the_same_shape() -> None:
    memory_options = MemoryOptions(offload=Offload.RESIDENT, vae_tiling=False)
    asked = replace(
        plan_request("sdxl", 12, memory_options=memory_options), width=1536, height=1024
    )
    assert not choose(asked).fits
    size = largest_size_that_fits(asked)
    assert size is not None
    width, height = size
    assert choose(replace(asked, width=width, height=height)).fits
    assert width < 1536
    assert width / height == pytest.approx(1.5, rel=0.02)
    assert width % 8 == height % 8 == 0


def test_no_size_fits_where_the_weights_do_not() -> None:
    assert (
        largest_size_that_fits(
            plan_request("flux", 8, memory_options=MemoryOptions(offload=Offload.RESIDENT))
        )
        is None
    )


def test_a_size_that_fits_is_kept() -> None:
    assert largest_size_that_fits(plan_request("sd", 12)) == (512, 512)


@pytest.mark.parametrize("model", sorted(MODELS))
def test_whatever_stage_fails_there_is_a_next_rung(model: str) -> None:
    asked = plan_request(model, 24)
    plan = choose(asked).plan
    for stage in STAGES:
        lower = next_plan(asked, plan, stage)
        assert lower is not None
        assert lower != plan
