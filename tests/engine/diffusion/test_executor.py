"""The painter, driven by its inbox: jobs join, leave, break and run out of memory one by one."""

import io
import itertools
import logging
import shutil
import types
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PIL_Image

from engine.devices.messages import (
    CancelJob,
    ExecutorReport,
    JobDropped,
    JobFailed,
    JobPainted,
    JobProgress,
    Pixels,
    RunJob,
    StageMeasured,
    StopExecutor,
)
from engine.diffusion import Device
from engine.diffusion import executor as executor_module
from engine.diffusion import running_job as running_job_module
from engine.diffusion import step_clock as step_clock_module
from engine.diffusion.families.base import Sample
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.families.stepped import Stepped
from engine.diffusion.previews import LatentMap
from engine.jobs.recipe import Recipe
from engine.memory.plan import Stage
from engine.models.catalogue import Model
from tests.engine.builders import job, model, recipe
from tests.engine.diffusion.conftest import Image
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference
from tests.engine.diffusion.harness import Harness

Plain = Callable[[str, Recipe], Image]


@pytest.fixture
def tiny(folders: dict[str, Path]) -> Model:
    return model(folders["epsilon"])


def levels(pixels: Pixels) -> Image:
    flat = np.frombuffer(pixels.data, np.uint8)
    return flat.reshape(pixels.height, pixels.width, 3).astype(np.int16)


def is_picture_of(harness: Harness, job_id: int, plain: Image) -> bool:
    [painted] = harness.of(JobPainted, job_id)
    [pixels] = painted.pictures
    return difference(levels(pixels), plain) <= ONE_LEVEL


def once(
    when: Callable[[ExecutorReport], bool], then: Callable[[], None]
) -> Callable[[ExecutorReport], None]:
    """A watcher that does something at the first report of a kind."""
    done: list[bool] = []

    def watch(report: ExecutorReport) -> None:
        if not done and when(report):
            done.append(True)
            then()

    return watch


def steps_of(harness: Harness, job_id: int) -> list[int]:
    return [report.step for report in harness.of(JobProgress, job_id)]


# --------------------------------------------------------------------------------- joining, leaving


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


# ----------------------------------------------------------------------------------------- breaking


def break_in(
    monkeypatch: pytest.MonkeyPatch, verb: str, error: Exception, guilty: Callable[[Any], bool]
) -> None:
    """Let a verb of the family break whenever it is called with something guilty."""
    sound = getattr(StableDiffusion, verb)

    def breaks(self: StableDiffusion, what: Any, *others: Any, **named: Any) -> Any:
        if guilty(what):
            raise error
        return sound(self, what, *others, **named)

    monkeypatch.setattr(StableDiffusion, verb, breaks)


def says_moon(what: Recipe | Sample | Sequence[Sample]) -> bool:
    if isinstance(what, Recipe):
        return "moon" in what.prompt
    rows = [what] if isinstance(what, Sample) else what
    return any("moon" in row.recipe.prompt for row in rows)


@pytest.mark.parametrize("verb", ["begin", "step", "finish"])
def test_a_job_that_breaks_fails_alone_with_an_incident(
    tiny: Model,
    plain: Plain,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    verb: str,
) -> None:
    break_in(monkeypatch, verb, RuntimeError("the wheel came off"), says_moon)
    harness = Harness()
    beside, after = job(2, num_inference_steps=6), job(3, seed=9)
    harness.watch = once(
        lambda report: isinstance(report, JobFailed),
        lambda: harness.commands.put(RunJob(after, tiny)),
    )
    harness.run(RunJob(job(1, prompt="a moon"), tiny), RunJob(beside, tiny), jobs=3)
    [failed] = harness.of(JobFailed)
    assert failed.job_id == 1
    [logged] = [record for record in caplog.records if record.levelno == logging.ERROR]
    incident = logged.getMessage().rsplit(" ", 1)[1].rstrip(")")
    assert len(incident) == 6
    assert incident in failed.sentence
    assert "wheel" not in failed.sentence, "people are told no internals"
    assert logged.exc_info is not None
    assert "the wheel came off" in str(logged.exc_info[1]), "the owner is"
    assert is_picture_of(harness, 2, plain("epsilon", beside.recipe))
    assert is_picture_of(harness, 3, plain("epsilon", after.recipe))


def test_of_a_batch_that_breaks_only_the_guilty_job_fails(
    tiny: Model, plain: Plain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is painted again by itself; the sound ones come out as if nothing had been."""
    break_in(monkeypatch, "step", RuntimeError("not a number"), says_moon)
    harness = Harness()
    jobs = [job(n, seed=n, prompt="a moon" if n == 2 else "a house") for n in (1, 2, 3)]
    harness.run(*[RunJob(one, tiny) for one in jobs], jobs=3)
    assert [report.job_id for report in harness.of(JobFailed)] == [2]
    for one in (jobs[0], jobs[2]):
        assert is_picture_of(harness, one.id, plain("epsilon", one.recipe))


def test_a_batch_that_runs_out_of_memory_is_made_smaller_and_gives_the_same_pictures(
    tiny: Model, plain: Plain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_many(rows: Sequence[Sample]) -> bool:
        return len(rows) > 2 and rows[0].step >= 1

    break_in(monkeypatch, "step", torch.OutOfMemoryError("CUDA out of memory"), too_many)
    harness = Harness(batch_size=8)
    jobs = [job(n, seed=10 * n, scheduler="euler_a") for n in range(1, 6)]
    harness.run(*[RunJob(one, tiny) for one in jobs], jobs=5)
    assert not harness.of(JobFailed)
    measured = [report.measurement for report in harness.of(StageMeasured)]
    steps = [one.batch for one in measured if one.stage is Stage.STEP and not one.failed]
    assert steps[:2] == [5, 2]
    for one in jobs:
        assert is_picture_of(harness, one.id, plain("epsilon", one.recipe))


def test_the_smaller_batch_is_remembered(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def too_many(rows: Sequence[Sample]) -> bool:
        asked.append(len(rows))
        return len(rows) > 1

    break_in(monkeypatch, "step", torch.OutOfMemoryError("CUDA out of memory"), too_many)
    harness = Harness(batch_size=4)
    harness.run(RunJob(job(1, count=4), tiny), jobs=1)
    harness.executor._stopping = False
    harness.run(RunJob(job(2, count=4), tiny), jobs=1)
    assert [rows for rows in asked if rows > 1] == [4, 2]
    assert [len(report.pictures) for report in harness.of(JobPainted)] == [4, 4]


def test_a_step_that_ran_out_of_memory_has_let_go_of_its_tensors_before_the_next(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The traceback of the error would keep them; then there is no memory to give back."""
    step = Stepped.step
    tensors: list[weakref.ref[torch.Tensor]] = []
    alive: list[bool] = []

    def too_many(self: Stepped, samples: Sequence[Sample], on_step_end: Any) -> None:
        if len(samples) > 1:
            activations = torch.zeros(10)
            tensors.append(weakref.ref(activations))
            raise torch.OutOfMemoryError("CUDA out of memory")
        step(self, samples, on_step_end)

    monkeypatch.setattr(Stepped, "step", too_many)
    monkeypatch.setattr(
        Device, "release", lambda device: alive.extend(ref() is not None for ref in tensors)
    )
    harness = Harness()
    harness.run(RunJob(job(1, count=2), tiny), jobs=1)
    assert alive
    assert not any(alive)
    assert harness.of(JobPainted)


@pytest.mark.parametrize("verb", ["begin", "step", "finish"])
def test_a_picture_that_does_not_fit_by_itself_is_told_so_in_terms_of_its_size(
    tiny: Model, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    def wide(what: Recipe | Sample | Sequence[Sample]) -> bool:
        first = what[0] if isinstance(what, Sequence) else what
        return (first if isinstance(first, Recipe) else first.recipe).width == 128

    break_in(monkeypatch, verb, torch.OutOfMemoryError("CUDA out of memory"), wide)
    harness = Harness()
    harness.run(RunJob(job(1, width=128), tiny), RunJob(job(2), tiny), jobs=2)
    assert harness.of(JobFailed) == [
        JobFailed(
            1,
            "128×64 with tiny doesn't fit in this machine's memory. A smaller size might fit.",
        )
    ]
    assert [report.job_id for report in harness.of(JobPainted)] == [2]


def test_a_model_that_cannot_be_loaded_fails_its_job_and_the_next_model_is_tried(
    tiny: Model, tmp_path: Path
) -> None:
    harness = Harness()
    gone = model(tmp_path / "gone", "gone")
    harness.run(RunJob(job(1, model="gone"), gone), RunJob(job(2), tiny), jobs=2)
    [failed] = harness.of(JobFailed)
    assert failed.sentence.startswith("The model “gone” couldn't be loaded. “")
    assert [report.job_id for report in harness.of(JobPainted)] == [2]


# ----------------------------------------------------------------------------------------- previews


class Clock:
    """Stands in for the module `time`: every look at it is half a second after the last."""

    def __init__(self) -> None:
        self.now = 0.0
        self.tick = 0.5

    def monotonic(self) -> float:
        self.now += self.tick
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    time = types.SimpleNamespace(monotonic=clock.monotonic)
    monkeypatch.setattr(executor_module, "time", time)
    monkeypatch.setattr(running_job_module, "time", time)
    monkeypatch.setattr(step_clock_module, "time", time)
    return clock


def previews(harness: Harness) -> list[bytes]:
    return [report.preview for report in harness.of(JobProgress) if report.preview is not None]


def test_a_long_job_shows_a_preview_every_two_seconds_and_not_more_often(
    tiny: Model, clock: Clock
) -> None:
    harness = Harness(previews=True)
    seen: list[float] = []

    def watch(report: ExecutorReport) -> None:
        if isinstance(report, JobProgress) and report.preview is not None:
            seen.append(clock.now)

    harness.watch = watch
    harness.run(RunJob(job(1, num_inference_steps=20), tiny), jobs=1)
    assert len(seen) >= 3
    assert all(later - earlier >= 2.0 for earlier, later in itertools.pairwise(seen))


def test_a_preview_is_a_webp_of_256_pixels_at_most(tiny: Model, clock: Clock) -> None:
    harness = Harness(previews=True)
    harness.run(RunJob(job(1, num_inference_steps=12, count=3, height=96), tiny), jobs=1)
    for data in previews(harness):
        with PIL_Image.open(io.BytesIO(data)) as image:
            assert image.format == "WEBP"
            assert image.size == (256, 128), "three pictures of 64×96 side by side"


def test_a_job_of_less_than_three_seconds_has_no_preview(tiny: Model, clock: Clock) -> None:
    clock.tick = 0.1
    harness = Harness(previews=True)
    harness.run(RunJob(job(1, num_inference_steps=8), tiny), jobs=1)
    assert 2.0 < clock.now < 3.0
    assert not previews(harness)


def test_previews_can_be_turned_off(tiny: Model, clock: Clock) -> None:
    harness = Harness(previews=False)
    harness.run(RunJob(job(1, num_inference_steps=20), tiny), jobs=1)
    assert not previews(harness)


def test_a_preview_that_breaks_costs_no_picture(
    tiny: Model, clock: Clock, monkeypatch: pytest.MonkeyPatch, plain: Plain
) -> None:
    def breaks(self: LatentMap, latents: torch.Tensor) -> None:
        raise RuntimeError("a map of another model")

    monkeypatch.setattr(LatentMap, "image", breaks)
    harness = Harness(previews=True)
    asked = job(1, num_inference_steps=12)
    harness.run(RunJob(asked, tiny), jobs=1)
    assert not previews(harness)
    assert is_picture_of(harness, 1, plain("epsilon", asked.recipe))


def test_members_are_not_told_where_the_owner_keeps_files(tiny: Model, tmp_path: Path) -> None:
    broken = shutil.copytree(tiny.source, tmp_path / "secret")
    [weights] = (broken / "unet").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1000])
    harness = Harness()
    harness.run(RunJob(job(1, model="broken"), model(broken, "broken")), jobs=1)
    [failed] = harness.of(JobFailed)
    assert weights.name in failed.sentence
    assert "secret" not in failed.sentence
    assert failed.sentence.endswith("Download it again.")


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
