"""Out of memory is never the member's problem: the job goes on, a rung lower, with its own seed."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import PIL.Image
import psutil
import pytest
import torch

from engine.devices.messages import BatchPlanned, JobFailed, JobPainted, RunJob, StageMeasured
from engine.diffusion import loader as loading
from engine.diffusion.device import Device
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.loader import LoadedModel, ModelLoader
from engine.diffusion.model_cache import ModelCache
from engine.diffusion.model_memory import ModelMemory
from engine.diffusion.offload import components as offloading
from engine.errors import ModelUnavailable
from engine.jobs.recipe import Recipe
from engine.memory.device import DeviceFacts
from engine.memory.plan import Plan, Stage
from engine.models.inspection import inspect
from engine.models.model import Model
from tests.engine.builders import job, model, recipe
from tests.engine.diffusion.conftest import Image
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference
from tests.engine.diffusion.harness import Harness
from tests.engine.diffusion.painted import levels
from tests.engine.memory.models import MODELS

pytestmark = pytest.mark.slow

Plain = Callable[[str, Recipe], Image]

SMALL_CARD = DeviceFacts(
    kind="cuda",
    name="a card that the CPU plays",
    total_bytes=4 * 10**9,
    free_bytes=4 * 10**9,
    reserve_bytes=0,
    bf16=True,
    compute_capability=(8, 9),
)


@pytest.fixture
def tiny(folders: dict[str, Path]) -> Model:
    return model(folders["epsilon"], dtype="float32")


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU plays a card: weights are brought to it and leave it.

    Plans are made as for the Stable Diffusion 1.5 that the tiny model takes after, so that there
    are rungs to go down.
    """
    monkeypatch.setattr(Device, "facts", lambda device, own_bytes=0: SMALL_CARD)
    monkeypatch.setattr(Device, "has_own_memory", property(lambda device: True))
    monkeypatch.setattr(offloading, "peak_bytes", lambda device: 50_000_000)
    monkeypatch.setattr(
        loading, "inspect", lambda *about: replace(inspect(*about), components=MODELS["sd"])
    )


def break_times(
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    verb: str,
    times: int,
    error: Exception | None = None,
) -> Callable[[], int]:
    """Let a verb run out of memory so many times; how often it was called."""
    sound = getattr(where, verb)
    calls = 0

    def breaks(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls <= times:
            raise error or torch.OutOfMemoryError("CUDA out of memory")
        return sound(*arguments, **named)

    monkeypatch.setattr(where, verb, breaks)
    return lambda: calls


STAGES = {
    Stage.LOAD: (ModelLoader, "_assemble"),
    Stage.ENCODE: (StableDiffusion, "encode_prompt"),
    Stage.STEP: (StableDiffusion, "denoise"),
    Stage.DECODE: (StableDiffusion, "decode"),
}


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("times", [1, 2])
def test_a_job_that_runs_out_of_memory_is_painted_a_rung_lower(
    tiny: Model,
    plain: Plain,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stage: Stage,
    times: int,
) -> None:
    where, verb = STAGES[stage]
    break_times(monkeypatch, where, verb, times)
    asked: dict[str, Any] = {"width": 128, "height": 128, "seed": 3}
    harness = Harness()
    with caplog.at_level(logging.WARNING, "engine"):
        harness.run(RunJob(job(1, **asked), tiny), jobs=1)
    assert not harness.of(JobFailed)
    [painted] = harness.of(JobPainted)
    [picture] = painted.pictures
    expected = plain("epsilon", recipe(**asked))
    # Tiles of a VAE with random weights differ at their seams; nothing else may.
    assert np.abs(levels(picture) - expected).mean() < (8 if stage is Stage.DECODE else ONE_LEVEL)
    lines = [record for record in caplog.records if "ran out of memory" in record.message]
    assert len(lines) == times
    failures = [
        noted.measurement for noted in harness.of(StageMeasured) if noted.measurement.failed
    ]
    assert [failure.stage for failure in failures] == [stage] * times


@pytest.mark.usefixtures("card")
def test_what_was_learned_from_a_failure_is_heeded_the_next_time(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[Plan] = []
    plan_for = ModelCache.plan_for

    def watched(self: ModelCache, asked: Recipe, **more: Any) -> None:
        plan_for(self, asked, **more)
        assert self.loaded is not None
        plans.append(self.loaded.memory.plan)

    monkeypatch.setattr(ModelCache, "plan_for", watched)
    break_times(monkeypatch, StableDiffusion, "denoise", 1)
    harness = Harness(batch_size=4)
    for number, width in enumerate((64, 128, 64)):
        harness.run(RunJob(job(number, count=4, width=width), tiny), jobs=1)
        harness.executor._stopping = False
    assert len(harness.of(JobPainted)) == 3
    assert plans[0].batch == 4
    assert plans[-1].batch < 4


@pytest.mark.usefixtures("card")
def test_batches_that_gain_too_little_get_smaller_while_painting_goes_on(
    tiny: Model, plain: Plain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.diffusion.model_memory.STEADY_STEPS", 3)
    monkeypatch.setattr("engine.memory.profiles.MIN_GAIN", 100.0)
    harness = Harness(batch_size=4)
    orders = [RunJob(job(1, num_inference_steps=2), tiny), RunJob(job(2, count=4), tiny)]
    for order in orders:
        harness.run(order, jobs=1)
        harness.executor._stopping = False
    assert harness.of(BatchPlanned) == [BatchPlanned("tiny", 4), BatchPlanned("tiny", 1)]
    _, painted = harness.of(JobPainted)
    assert len(painted.pictures) == 4
    assert difference(levels(painted.pictures[0]), plain("epsilon", recipe())) <= ONE_LEVEL


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("still_full", [False, True])
def test_after_quiet_jobs_a_faster_plan_is_tried_and_the_outcome_is_heeded(
    tiny: Model, monkeypatch: pytest.MonkeyPatch, still_full: bool
) -> None:
    monkeypatch.setattr("engine.diffusion.model_memory.QUIET_JOBS", 2)
    monkeypatch.setattr("engine.memory.profiles.MIN_GAIN", 0.0)  # whatever the machine's speed
    batches: list[int] = []
    denoise, full = StableDiffusion.denoise, True

    def watched(self: StableDiffusion, batch: DenoiserBatch) -> torch.Tensor:
        rows = len(batch.samples) // 2
        batches.append(rows)
        if full and rows > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return denoise(self, batch)

    monkeypatch.setattr(StableDiffusion, "denoise", watched)
    harness = Harness(batch_size=4)

    def most_at_once(number: int) -> int:
        batches.clear()
        harness.run(RunJob(job(number, count=4), tiny), jobs=1)
        harness.executor._stopping = False
        return max(batches)

    assert [most_at_once(number) for number in (1, 2)] == [4, 2]
    full = still_full
    assert most_at_once(3) == 3, "after two quiet jobs"
    expected = [2, 2, 2, 3] if still_full else [3, 4, 4, 4]
    assert [most_at_once(number) for number in range(4, 8)] == expected
    assert len(harness.of(JobPainted)) == 7


@pytest.mark.usefixtures("card")
def test_only_a_job_that_fits_on_no_rung_fails_and_is_told_what_would_fit(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    denoise = StableDiffusion.denoise

    def narrow(self: StableDiffusion, batch: DenoiserBatch) -> torch.Tensor:
        if batch.recipe.width > 64:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return denoise(self, batch)

    monkeypatch.setattr(StableDiffusion, "denoise", narrow)
    harness = Harness()
    harness.run(RunJob(job(1, width=128), tiny), RunJob(job(2), tiny), jobs=2)
    [failed] = harness.of(JobFailed)
    assert failed.job_id == 1
    assert "128×64 with tiny doesn't fit in this machine's memory." in failed.sentence
    assert [painted.job_id for painted in harness.of(JobPainted)] == [2]


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("MPS backend out of memory"),
    ],
    ids=["cublas", "mps"],
)
def test_memory_that_runs_out_by_another_name_is_no_bug(
    tiny: Model, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    denoise = StableDiffusion.denoise
    broken: list[Exception] = [error]

    def breaks(self: StableDiffusion, batch: DenoiserBatch) -> torch.Tensor:
        if broken:
            raise broken.pop()
        return denoise(self, batch)

    monkeypatch.setattr(StableDiffusion, "denoise", breaks)
    harness = Harness()
    harness.run(RunJob(job(1, count=2), tiny), jobs=1)
    assert harness.of(JobPainted)
    assert not harness.of(JobFailed)


RAM = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("stage", [Stage.LOAD, Stage.STEP])
def test_ram_that_runs_out_is_not_blamed_on_the_card(
    tiny: Model, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    """It's tried again without other models or jobs. Then the job fails, and the next paints."""
    break_times(monkeypatch, *STAGES[stage], times=2, error=RAM)
    harness = Harness()
    harness.run(RunJob(job(1), tiny), RunJob(job(2), tiny), jobs=2)
    [failed] = harness.of(JobFailed)
    assert "RAM is too small for tiny beside what else runs" in failed.sentence
    assert harness.of(JobPainted)
    assert not [noted for noted in harness.of(StageMeasured) if noted.measurement.failed]


@pytest.mark.usefixtures("card")
def test_a_model_larger_than_ram_and_swap_is_refused_before_it_is_read(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system would end the program in the middle of loading it."""
    short = replace(SMALL_CARD, ram_free_bytes=0)
    monkeypatch.setattr(Device, "facts", lambda device, own_bytes=0: short)
    monkeypatch.setattr(loading, "RAM_RESERVE", 10**9)
    swap = SimpleNamespace(free=5 * 10**8)
    monkeypatch.setattr(psutil, "swap_memory", lambda: swap)
    read: list[str] = []
    monkeypatch.setattr(loading, "build_pipeline", lambda *about, **more: read.append("weights"))
    harness = Harness()
    harness.run(RunJob(job(1), tiny), jobs=1)
    [failed] = harness.of(JobFailed)
    assert "Its weights need 4.3 GB of RAM; only 1.5 GB free, swap included." in failed.sentence
    assert not read


@pytest.mark.usefixtures("card")
def test_a_picture_to_start_from_that_does_not_fit_is_read_in_smaller_pieces(
    tiny: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Reading it is the VAE's work: the text encoders are not to blame."""
    PIL.Image.new("RGB", (64, 64), "red").save(tmp_path / "start.png")
    break_times(monkeypatch, StableDiffusion, "encode_image", 1)
    harness = Harness()
    begun = RunJob(job(1, image="start.png", strength=0.5), tiny, tmp_path / "start.png")
    harness.run(begun, jobs=1)
    assert harness.of(JobPainted)
    [failure] = [
        noted.measurement for noted in harness.of(StageMeasured) if noted.measurement.failed
    ]
    assert failure.stage is Stage.DECODE


@pytest.mark.usefixtures("card")
def test_when_weights_have_to_be_loaded_anew_all_jobs_in_hand_begin_again(
    tiny: Model, plain: Plain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A larger job joins, and the plan for it stores the weights otherwise."""
    loads: list[str] = []
    load = ModelLoader.load

    def counted(self: ModelLoader, *arguments: Any, **named: Any) -> Any:
        loads.append("load")
        return load(self, *arguments, **named)

    monkeypatch.setattr(ModelLoader, "load", counted)
    monkeypatch.setattr(LoadedModel, "needs_reload", property(lambda loaded: len(loads) < 2))
    monkeypatch.setattr(ModelMemory, "plan_for", lambda memory, width, *_, **__: width > 64)
    harness = Harness()
    harness.run(RunJob(job(1), tiny), RunJob(job(2, width=128), tiny), jobs=2)
    assert len(loads) == 2
    assert sorted(painted.job_id for painted in harness.of(JobPainted)) == [1, 2]
    [first] = [painted for painted in harness.of(JobPainted) if painted.job_id == 1]
    assert difference(levels(first.pictures[0]), plain("epsilon", recipe())) <= ONE_LEVEL


@pytest.mark.usefixtures("card")
def test_when_they_cannot_be_loaded_anew_the_jobs_fail_and_the_painter_goes_on(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    load = ModelLoader.load

    def once(self: ModelLoader, *arguments: Any, **named: Any) -> Any:
        loads.append("load")
        if len(loads) == 2:
            raise ModelUnavailable("The disk is gone.")
        return load(self, *arguments, **named)

    monkeypatch.setattr(ModelLoader, "load", once)
    monkeypatch.setattr(LoadedModel, "needs_reload", property(lambda loaded: len(loads) < 2))
    monkeypatch.setattr(ModelMemory, "plan_for", lambda memory, width, *_, **__: width == 128)
    harness = Harness()
    orders = [RunJob(job(1), tiny), RunJob(job(2, width=128), tiny), RunJob(job(3, seed=1), tiny)]
    harness.watch = lambda report: harness.commands.put(orders[2]) if _failed(report, 1) else None
    harness.run(*orders[:2], jobs=3)
    assert sorted(failed.job_id for failed in harness.of(JobFailed)) == [1, 2]
    assert [painted.job_id for painted in harness.of(JobPainted)] == [3]


def _failed(report: object, job_id: int) -> bool:
    return isinstance(report, JobFailed) and report.job_id == job_id
