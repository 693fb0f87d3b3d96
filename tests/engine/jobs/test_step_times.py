"""Time left: learned from what was measured, judged by the nearest where nothing was."""

import pytest

from engine.jobs.step_times import StepTimes
from engine.worker.messages import StepMeasured
from tests.engine.builders import recipe


def measured(seconds: float, rows: int = 1, side: int = 64) -> StepMeasured:
    return StepMeasured("tiny", side, side, rows, seconds)


def test_nothing_learned_nothing_told() -> None:
    step_times = StepTimes({}, batch_size=4)
    assert step_times.step(recipe(), 1) is None
    assert step_times.painting(recipe()) is None
    assert step_times.loading("tiny") == 0.0


def test_measurements_move_the_average() -> None:
    step_times = StepTimes({}, batch_size=1)
    step_times.learn(measured(1.0))
    assert step_times.step(recipe(), 1) == 1.0
    for _ in range(50):
        step_times.learn(measured(2.0))
    assert step_times.step(recipe(), 1) == pytest.approx(2.0, abs=0.01)


def test_one_hiccup_does_not_poison_the_average() -> None:
    step_times = StepTimes({("tiny", 64, 64, 1): 0.1}, batch_size=1)
    step_times.learn(measured(60.0))
    step = step_times.step(recipe(), 1)
    assert step is not None
    assert step < 0.2


def test_a_size_or_batch_never_measured_is_judged_by_the_nearest_in_pixels() -> None:
    step_times = StepTimes({("tiny", 64, 64, 1): 1.0, ("tiny", 256, 256, 1): 10.0}, batch_size=4)
    assert step_times.step(recipe(width=128), 1) == 2.0
    assert step_times.step(recipe(width=256, height=128), 1) == 5.0
    assert step_times.step(recipe(), 2) == 2.0
    assert step_times.step(recipe(model="other"), 1) is None


def test_a_full_batch_shares_its_time_among_its_pictures() -> None:
    step_times = StepTimes({("tiny", 64, 64, 4): 2.0}, batch_size=4)
    assert step_times.painting(recipe(num_inference_steps=10)) == 5.0
    assert step_times.painting(recipe(num_inference_steps=10, count=2)) == 10.0
    assert step_times.painting(recipe(num_inference_steps=10, scheduler="heun")) == 10.0


def test_loading_is_remembered_as_it_was_last() -> None:
    step_times = StepTimes({}, batch_size=4)
    for seconds in (30.0, 3.0):
        step_times.learn(StepMeasured("tiny", 0, 0, 0, seconds))
    assert step_times.loading("tiny") == 3.0
    assert step_times.step(recipe(), 1) is None, "the loading is no step"


def test_only_what_is_new_has_to_be_saved() -> None:
    step_times = StepTimes({("old", 64, 64, 1): 1.0}, batch_size=4)
    step_times.learn(measured(0.5))
    assert step_times.unsaved == {("tiny", 64, 64, 1): 0.5}
