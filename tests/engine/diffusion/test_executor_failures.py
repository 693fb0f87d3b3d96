"""Jobs that break, and batches that run out of memory."""

import logging
import shutil
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.devices.messages import JobFailed, JobPainted, RunJob, StageMeasured
from engine.diffusion import Device
from engine.diffusion.families.base import Sample
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.families.stepped import Stepped
from engine.jobs.recipe import Recipe
from engine.memory.plan import Stage
from engine.models.model import Model
from tests.engine.builders import job, model
from tests.engine.diffusion.harness import Harness
from tests.engine.diffusion.painted import Plain, is_picture_of, once


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
