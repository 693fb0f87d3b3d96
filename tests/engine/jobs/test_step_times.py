"""Seconds of the device's time: learned from what was measured, estimated from the nearest."""

from dataclasses import replace

from engine.jobs.batch_sizes import BatchSizes
from engine.jobs.step_times import StepTimes, share_computed
from engine.memory.profiles import ProfileStore
from tests.engine.builders import measurement, recipe


def step_times(*seconds: tuple[int, int, float], batch_size: int = 4) -> StepTimes:
    """Step times where steps of that side and batch took so many seconds."""
    known = [
        measurement(width=side, height=side, batch=batch, seconds=time)
        for side, batch, time in seconds
    ]
    return StepTimes(ProfileStore(known), BatchSizes(batch_size))


def test_nothing_measured_nothing_known() -> None:
    times = step_times()
    assert times.step(recipe(), 1) is None
    assert times.job(recipe()) is None
    assert times.load("tiny") == 0.0


def test_a_size_or_batch_never_measured_is_estimated_from_the_nearest_in_pixels() -> None:
    times = step_times((64, 1, 1.0), (256, 1, 10.0))
    assert times.step(recipe(width=128), 1) == 2.0
    assert times.step(recipe(width=256, height=128), 1) == 5.0
    assert times.step(recipe(), 2) == 2.0
    assert times.step(recipe(model="other"), 1) is None


def test_a_full_batch_shares_its_time_among_its_pictures() -> None:
    times = step_times((64, 4, 2.0))
    assert times.job(recipe(num_inference_steps=10)) == 5.0
    assert times.job(recipe(num_inference_steps=10, count=2)) == 10.0
    assert times.job(recipe(num_inference_steps=10, scheduler="heun")) == 10.0


def test_quick_jobs_take_less_of_the_time_that_whole_steps_were_measured_at() -> None:
    times = step_times((64, 4, 2.0))
    exact, quick = (recipe(num_inference_steps=20, quick=quick) for quick in (False, True))
    assert share_computed(exact) == 1.0
    assert share_computed(quick) == (13 - 3 / 2) / 20, "13 calls, 3 of them without the negative"
    assert times.job(quick) == 10.0 * share_computed(quick)
    assert share_computed(replace(quick, guidance_scale=1.0)) == 13 / 20
    assert share_computed(replace(quick, scheduler="euler_a")) > 0.7, "it isn't extrapolated"
    assert share_computed(replace(quick, image="a.png", strength=0.5)) == 1.0, "10 steps"
