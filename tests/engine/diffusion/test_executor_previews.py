"""How often a job shows what it looks like so far."""

import io
import itertools
import types

import pytest
import torch
from PIL import Image as PIL_Image

from engine.devices.messages import ExecutorReport, JobProgress, RunJob
from engine.diffusion import executor as executor_module
from engine.diffusion import running_job as running_job_module
from engine.diffusion import step_clock as step_clock_module
from engine.diffusion.previews import LatentMap
from engine.models.model import Model
from tests.engine.builders import job
from tests.engine.diffusion.harness import Harness
from tests.engine.diffusion.painted import Plain, is_picture_of


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
