"""Measurements replace estimates, and step times are averaged."""

from dataclasses import replace

import pytest

from engine.memory.measurement import Measurement
from engine.memory.plan import Plan, Residence, Stage
from engine.memory.planner import choose
from engine.memory.profiles import ModelProfile, ProfileStore
from tests.engine.builders import measurement
from tests.engine.memory.models import GB, plan_request


def measured(
    plan: Plan,
    stage: Stage,
    peak_bytes: int | None,
    *,
    side: int = 1024,
    batch: int = 1,
    seconds: float = 1.0,
    usable_bytes: int = 24 * GB,
) -> Measurement:
    return Measurement.of(
        plan,
        stage,
        model="tiny",
        device="card",
        width=side,
        height=side,
        batch=batch,
        usable_bytes=usable_bytes,
        peak_bytes=peak_bytes,
        seconds=seconds if peak_bytes else 0.0,
        failed=peak_bytes is None,
    )


def test_a_measured_peak_replaces_the_estimate() -> None:
    before = choose(plan_request("sdxl", 24)).plan
    profile = ModelProfile((measured(before, Stage.DECODE, 12 * GB),))
    after = choose(plan_request("sdxl", 24, profile=profile)).plan
    assert after.key == before.key
    assert after.peaks[Stage.DECODE] == 12 * GB
    assert after.peaks[Stage.STEP] == before.peaks[Stage.STEP]
    other_size = choose(plan_request("sdxl", 24, side=768, profile=profile)).plan
    assert other_size == choose(plan_request("sdxl", 24, side=768)).plan


def test_what_one_plan_measured_is_known_of_all_that_work_alike() -> None:
    """An untiled decode that takes less than feared lets a smaller card decode untiled."""
    large = choose(plan_request("sdxl", 24)).plan
    assert choose(plan_request("sdxl", 8)).plan.vae_tiling
    profile = ModelProfile((measured(large, Stage.DECODE, large.weights[Stage.DECODE] + 5 * GB),))
    small = choose(plan_request("sdxl", 8, profile=profile)).plan
    assert not small.vae_tiling
    assert small.working[Stage.DECODE] == 5 * GB


def test_of_several_measurements_the_largest_counts() -> None:
    plan = choose(plan_request("sdxl", 24)).plan
    peaks = (11 * GB, 13 * GB, 12 * GB)
    profile = ModelProfile(tuple(measured(plan, Stage.DECODE, peak) for peak in peaks))
    assert choose(plan_request("sdxl", 24, profile=profile)).plan.peaks[Stage.DECODE] == 13 * GB


def test_what_ran_out_of_memory_is_passed_over_next_time() -> None:
    asked = plan_request("sdxl", 24)
    plan = choose(asked).plan
    failure = measured(plan, Stage.DECODE, None, usable_bytes=asked.device.usable_bytes)
    assert failure.failed
    choice = choose(replace(asked, profile=ModelProfile().plus(failure)))
    assert choice.plan.peaks[Stage.DECODE] < plan.peaks[Stage.DECODE]
    assert choice.passed_over[0].plan.key == plan.key
    assert choice.passed_over[0].reason == "has run out of memory here while decoding"


def test_a_failure_on_a_fuller_card_is_no_verdict_on_an_emptier_one() -> None:
    plan = choose(plan_request("sdxl", 24)).plan
    failure = measured(plan, Stage.DECODE, None, usable_bytes=17 * GB)
    assert choose(plan_request("sdxl", 24, profile=ModelProfile((failure,)))).plan == plan


def test_only_the_measurements_of_this_model_on_this_device_count() -> None:
    plan = choose(plan_request("sd", 12)).plan
    row = measured(plan, Stage.DECODE, 3 * GB, side=512)
    assert ModelProfile.select([row], model="tiny", device="card").measurements == (row,)
    assert ModelProfile.select([row], model="tiny", device="other card") == ModelProfile()
    assert ModelProfile.select([row], model="another", device="card") == ModelProfile()


@pytest.mark.parametrize(
    ("seconds", "best"),
    [
        ({}, 8),
        ({1: 1.0}, 8),
        ({1: 1.0, 2: 1.5}, 8),
        ({1: 1.0, 2: 1.9}, 1),
        ({1: 1.0, 2: 1.5, 4: 2.9}, 2),
        ({1: 1.0, 4: 2.5}, 8),
        ({2: 1.0, 8: 4.0}, 2),
        ({1: 1.0, 2: 1.5, 3: 2.1, 4: 2.6}, 8),
        ({1: 1.0, 3: 2.9, 4: 2.9}, 8),
    ],
)
def test_twice_the_batch_has_to_gain_a_tenth_to_be_worth_its_latency(
    seconds: dict[int, float], best: int
) -> None:
    plan = choose(plan_request("sd", 12, batch=8)).plan
    profile = ModelProfile(
        tuple(
            measured(plan, Stage.STEP, 3 * GB, side=512, batch=batch, seconds=time)
            for batch, time in seconds.items()
        )
    )
    assert profile.best_batch(plan.key, 512, 512, 8) == best
    assert choose(plan_request("sd", 12, batch=8, profile=profile)).plan.batch == best


def test_a_batch_that_ran_out_of_memory_is_out_of_the_question() -> None:
    plan = choose(plan_request("sd", 12, batch=4)).plan
    failure = measured(plan, Stage.STEP, None, side=512, batch=4)
    profile = ModelProfile((failure,))
    assert choose(plan_request("sd", 12, batch=4, profile=profile)).plan.batch == 3


def test_streaming_fills_up_by_what_was_measured() -> None:
    asked = plan_request("flux", 12)
    plan = choose(asked).plan
    assert plan.places["transformer"].residence is Residence.STREAMED
    more = plan.peaks[Stage.STEP] + GB
    after = choose(replace(asked, profile=ModelProfile((measured(plan, Stage.STEP, more),)))).plan
    fewer = after.places["transformer"].resident_bytes
    assert plan.places["transformer"].resident_bytes - 2 * GB < fewer
    assert fewer < plan.places["transformer"].resident_bytes
    assert after.peak_bytes <= asked.device.usable_bytes


def step_seconds(store: ProfileStore) -> float:
    [seconds] = store.step_seconds("tiny").values()
    return seconds


def test_steps_move_the_average() -> None:
    store = ProfileStore()
    store.learn(measurement(seconds=1.0))
    assert step_seconds(store) == 1.0
    for _ in range(50):
        store.learn(measurement(seconds=2.0))
    assert step_seconds(store) == pytest.approx(2.0, abs=0.01)


def test_one_hiccup_does_not_spoil_the_average() -> None:
    store = ProfileStore([measurement(seconds=0.1)])
    store.learn(measurement(seconds=60.0))
    assert step_seconds(store) < 0.2


def test_the_first_step_of_all_may_be_slow() -> None:
    store = ProfileStore()
    for seconds in (3.0, 1.0):
        store.learn(measurement(seconds=seconds))
    assert step_seconds(store) == 1.0
    store.learn(measurement(seconds=0.5))
    assert step_seconds(store) == pytest.approx(0.9)


def test_loading_is_remembered_as_it_was_last() -> None:
    store = ProfileStore()
    load = {"stage": Stage.LOAD, "width": 0, "height": 0}
    assert store.load_seconds("tiny") is None
    for seconds in (30.0, 3.0):
        assert store.learn(measurement(seconds=seconds, **load))
    assert store.load_seconds("tiny") == 3.0
    assert not store.step_seconds("tiny"), "loading is not a step"


def test_the_plan_that_ran_last_tells_how_long_a_step_takes() -> None:
    store = ProfileStore([measurement(seconds=1.0)])
    store.learn(measurement(plan_key="sequential", seconds=9.0))
    assert step_seconds(store) == 9.0
    assert len(store) == 2


def test_only_what_has_changed_is_saved() -> None:
    store = ProfileStore([measurement(seconds=1.0, peak_bytes=50)])
    assert store.learn(measurement(seconds=1.0, peak_bytes=50)), "the first since the start"
    assert not store.learn(measurement(seconds=1.01, peak_bytes=50))
    larger = store.learn(measurement(seconds=1.0, peak_bytes=60))
    assert larger is not None
    assert larger.peak_bytes == 60
    assert not store.learn(measurement(seconds=1.0, peak_bytes=40))
    assert [one.peak_bytes for one in store] == [60], "the largest counts"
    slower = [store.learn(measurement(seconds=2.0, peak_bytes=60)) for _ in range(20)]
    assert 1 < len([one for one in slower if one]) < 10


def test_what_was_measured_of_a_model_is_forgotten_with_it() -> None:
    store = ProfileStore([measurement(), measurement(model="other", seconds=2.0)])
    store.forget("tiny")
    assert [one.model for one in store] == ["other"]
    assert not store.step_seconds("tiny")
    assert store.step_seconds("other")


def test_a_device_that_does_not_count_memory_says_nothing_about_plans() -> None:
    assert not ModelProfile.select([measurement()], model="tiny", device="cpu").measurements
