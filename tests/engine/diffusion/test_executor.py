"""The painter, driven by its inbox: jobs join, leave, break and run out of memory one by one."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PIL_Image

from engine.devices.messages import (
    BatchPlanned,
    CancelJob,
    JobDropped,
    JobFailed,
    JobPainted,
    JobProgress,
    RunJob,
    StageMeasured,
    StopExecutor,
)
from engine.diffusion import running_job as running_job_module
from engine.diffusion.model_memory import ModelMemory
from engine.memory.plan import Stage
from engine.models.model import Model
from tests.engine.builders import job, model, recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference
from tests.engine.diffusion.harness import Harness
from tests.engine.diffusion.painted import Plain, is_picture_of, levels, once, steps_of


def test_a_job_that_comes_in_midway_starts_at_the_next_step(tiny: Model, plain: Plain) -> None:
    harness = Harness()
    long, short = job(1, num_inference_steps=10), job(2, num_inference_steps=3, seed=8)
    harness.watch = once(
        lambda report: isinstance(report, JobProgress) and report.step == 4,
        lambda: harness.commands.put(RunJob(short, tiny)),
    )
    harness.run(RunJob(long, tiny), jobs=2)
    conditioning = [(r.job_id, r.step) for r in harness.of(JobProgress)]
    assert conditioning == [
        *[(1, step) for step in (1, 2, 3, 4)],
        *[(1, 5), (2, 1), (1, 6), (2, 2), (1, 7)],
        *[(1, 8), (1, 9)],
    ]
    assert [r.job_id for r in harness.of(JobPainted)] == [2, 1], "the short one does not wait"
    assert is_picture_of(harness, 1, plain("epsilon", long.recipe))
    assert is_picture_of(harness, 2, plain("epsilon", short.recipe))


def test_more_rows_than_the_batch_holds_wait_their_turn(tiny: Model) -> None:
    harness = Harness(batch_size=2)
    harness.run(RunJob(job(1, count=4), tiny), RunJob(job(2, count=1), tiny), jobs=2)
    assert max(report.measurement.batch for report in harness.of(StageMeasured)) == 2
    assert [len(report.pictures) for report in harness.of(JobPainted)] == [4, 1]


@pytest.mark.parametrize(
    ("scales", "guided"), [((1.0, 5.0), [False, True]), ((5.0, 1.0), [True, True])]
)
def test_a_batch_is_planned_with_guidance_if_any_of_its_pictures_has_some(
    tiny: Model,
    monkeypatch: pytest.MonkeyPatch,
    scales: tuple[float, float],
    guided: list[bool],
) -> None:
    planned: list[bool] = []
    plan_for = ModelMemory.plan_for

    def watched(memory: ModelMemory, *size: int, **about: Any) -> bool:
        planned.append(about["guided"])
        return plan_for(memory, *size, **about)

    monkeypatch.setattr(ModelMemory, "plan_for", watched)
    jobs = (job(number, guidance_scale=scale) for number, scale in enumerate(scales))
    harness = Harness()
    harness.run(*(RunJob(one, tiny) for one in jobs), jobs=2)
    assert planned == guided


@pytest.mark.parametrize(("kind", "most"), [("epsilon", 4), ("pag", 1)])
def test_the_device_is_told_that_a_pipeline_that_runs_whole_paints_one_picture_at_a_time(
    folders: dict[str, Path], kind: str, most: int
) -> None:
    harness = Harness(batch_size=4)
    harness.run(RunJob(job(1, scheduler="default"), model(folders[kind])), jobs=1)
    assert [told.pictures for told in harness.of(BatchPlanned)] == [most]


def test_jobs_of_two_sizes_take_turns(tiny: Model, plain: Plain) -> None:
    harness = Harness()
    tall, wide = job(1, height=96), job(2, width=96)
    harness.run(RunJob(tall, tiny), RunJob(wide, tiny), jobs=2)
    conditioning = [(r.job_id, r.step) for r in harness.of(JobProgress)]
    assert conditioning == [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (2, 3)]
    assert is_picture_of(harness, 1, plain("epsilon", tall.recipe))
    assert is_picture_of(harness, 2, plain("epsilon", wide.recipe))


def test_the_pictures_of_a_job_come_in_the_order_of_their_seeds(tiny: Model, plain: Plain) -> None:
    harness = Harness(batch_size=2)
    harness.run(RunJob(job(1, count=3), tiny), jobs=1)
    [painted] = harness.of(JobPainted)
    for seed, pixels in zip((7, 8, 9), painted.pictures, strict=True):
        assert difference(levels(pixels), plain("epsilon", recipe(seed=seed))) <= ONE_LEVEL


def test_a_job_cancelled_midway_is_dropped_before_the_next_step(tiny: Model, plain: Plain) -> None:
    harness = Harness()
    harness.watch = once(
        lambda report: isinstance(report, JobProgress) and report == JobProgress(1, 3, 50),
        lambda: harness.commands.put(CancelJob(1)),
    )
    stays = job(2, num_inference_steps=8, scheduler="euler_a")
    harness.run(RunJob(job(1, num_inference_steps=50), tiny), RunJob(stays, tiny), jobs=2)
    assert steps_of(harness, 1) == [1, 2, 3]
    assert harness.of(JobDropped) == [JobDropped(1)]
    assert is_picture_of(harness, 2, plain("epsilon", stays.recipe))


def test_a_cancellation_that_comes_too_late_or_for_a_stranger_is_no_matter(tiny: Model) -> None:
    harness = Harness()
    harness.run(CancelJob(99), RunJob(job(1), tiny), jobs=1)
    harness.run(CancelJob(1), RunJob(job(2), tiny), jobs=1)
    assert [report.job_id for report in harness.of(JobPainted)] == [1]


def test_stopping_midway_drops_everything_and_ends_the_thread(tiny: Model) -> None:
    harness = Harness()
    harness.watch = once(
        lambda report: isinstance(report, JobProgress) and report.step == 2,
        lambda: harness.commands.put(StopExecutor()),
    )
    harness.run(RunJob(job(1, num_inference_steps=100), tiny), jobs=99)
    assert steps_of(harness, 1) == [1, 2]
    assert not harness.of(JobPainted), "what was in hand is neither painted"
    assert not harness.of(JobFailed), "nor failed: the worker puts it back"


@pytest.mark.parametrize("order", ["cancel", "stop"])
def test_a_pipeline_that_runs_whole_is_left_in_the_middle_too(
    folders: dict[str, Path], order: str
) -> None:
    harness = Harness()
    lcm = model(folders["lcm"], "lcm")
    harness.watch = once(
        lambda report: isinstance(report, JobProgress) and report.step == 3,
        lambda: harness.commands.put(CancelJob(1) if order == "cancel" else StopExecutor()),
    )
    harness.run(
        RunJob(job(1, model="lcm", num_inference_steps=50, scheduler="default"), lcm), jobs=1
    )
    assert max(steps_of(harness, 1)) <= 4
    assert harness.of(JobDropped) == ([JobDropped(1)] if order == "cancel" else [])
    assert not harness.of(JobPainted)


def test_a_pipeline_that_runs_whole_tells_how_far_it_is(folders: dict[str, Path]) -> None:
    harness = Harness()
    harness.run(RunJob(job(1, count=2, scheduler="default"), model(folders["lcm"])), jobs=1)
    assert steps_of(harness, 1) == [1, 2, 3, 3, 4, 5, 6, 7, 7]
    assert [len(report.pictures) for report in harness.of(JobPainted)] == [2]


def test_two_models_in_turn_are_loaded_once_each(folders: dict[str, Path], plain: Plain) -> None:
    first, second = model(folders["epsilon"]), model(folders["v_prediction"], "other")
    asked = recipe()
    harness = Harness()
    harness.run(RunJob(job(1), first), jobs=1)
    for n, one in enumerate((first, second, second), start=2):
        harness.executor._stopping = False
        harness.run(RunJob(job(n, model=one.name), one), jobs=1)
    measured = [report.measurement for report in harness.of(StageMeasured)]
    assert [one.model for one in measured if one.stage is Stage.LOAD] == ["tiny", "other"]
    assert is_picture_of(harness, 2, plain("epsilon", asked))
    assert is_picture_of(harness, 4, plain("v_prediction", asked))


@pytest.mark.parametrize("masked", [False, True])
def test_what_a_job_starts_from_is_read_again_only_for_what_its_mask_keeps(
    tmp_path: Path, tiny: Model, monkeypatch: pytest.MonkeyPatch, masked: bool
) -> None:
    image, mask = tmp_path / "image.png", tmp_path / "mask.png"
    PIL_Image.new("RGB", (64, 64), "red").save(image)
    half = PIL_Image.new("L", (64, 64))
    half.paste(255, (32, 0, 64, 64))
    half.save(mask)
    read = []
    start_of = running_job_module.init_image_of

    def counted(order: RunJob) -> Any:
        read.append(order.job.id)
        return start_of(order)

    monkeypatch.setattr(running_job_module, "init_image_of", counted)
    harness = Harness()
    started = job(1, count=3, image="image.png", strength=0.5)
    harness.run(RunJob(started, tiny, image, mask if masked else None), jobs=1)
    [painted] = harness.of(JobPainted)
    assert len(painted.pictures) == 3
    assert len(read) == masked
    kept = [levels(pixels)[:, :30] for pixels in painted.pictures]
    assert all((each == (255, 0, 0)).all() for each in kept) == masked
