"""Out of memory is never the member's problem: the job goes on, a rung lower, with its own seed."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.diffusion import loading
from engine.diffusion.bench import Bench
from engine.diffusion.devices import Device
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.loading import Loader
from engine.library import inspect
from engine.memory.device import DeviceFacts
from engine.memory.plan import Plan, Stage
from engine.messages import Admit, Failed, Noted, Painted
from engine.models import Model
from engine.requests import Recipe
from tests.engine.diffusion.conftest import Image
from tests.engine.diffusion.easel import Easel
from tests.engine.diffusion.families.parity import ONE_LEVEL
from tests.engine.making import job, model, recipe
from tests.engine.memory.models import MODELS

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
    monkeypatch.setattr(Device, "peak_bytes", lambda device: 50_000_000)
    monkeypatch.setattr(
        loading, "inspect", lambda *about: replace(inspect(*about), components=MODELS["sd"])
    )


def break_times(
    monkeypatch: pytest.MonkeyPatch, where: Any, verb: str, times: int
) -> Callable[[], int]:
    """Let a verb run out of memory so many times; how often it was called."""
    sound = getattr(where, verb)
    calls = 0

    def breaks(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls <= times:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return sound(*arguments, **named)

    monkeypatch.setattr(where, verb, breaks)
    return lambda: calls


STAGES = {
    Stage.LOAD: (Loader, "_placed"),
    Stage.ENCODE: (StableDiffusion, "encode"),
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
    easel = Easel()
    with caplog.at_level(logging.WARNING, "engine"):
        easel.run(Admit(job(1, **asked), tiny), jobs=1)
    assert not easel.of(Failed)
    [painted] = easel.of(Painted)
    [picture] = painted.pictures
    shape = (picture.height, picture.width, 3)
    levels = np.frombuffer(picture.data, np.uint8).reshape(shape).astype(np.int16)
    expected = plain("epsilon", recipe(**asked))
    # Tiles of a VAE with random weights differ at their seams; nothing else may.
    assert np.abs(levels - expected).mean() < (8 if stage is Stage.DECODE else ONE_LEVEL)
    lines = [record for record in caplog.records if "ran out of memory" in record.message]
    assert len(lines) == times
    failures = [noted.measurement for noted in easel.of(Noted) if noted.measurement.failed]
    assert [failure.stage for failure in failures] == [stage] * times


@pytest.mark.usefixtures("card")
def test_what_was_learned_from_a_failure_is_heeded_the_next_time(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[Plan] = []
    suit = Bench.suit

    def watched(self: Bench, asked: Recipe) -> None:
        suit(self, asked)
        assert self.loaded is not None
        plans.append(self.loaded.memory.plan)

    monkeypatch.setattr(Bench, "suit", watched)
    break_times(monkeypatch, StableDiffusion, "denoise", 1)
    easel = Easel(batch_size=4)
    for number, width in enumerate((64, 128, 64)):
        easel.run(Admit(job(number, count=4, width=width), tiny), jobs=1)
        easel.painter._stopping = False
    assert len(easel.of(Painted)) == 3
    assert plans[0].batch == 4
    assert plans[-1].batch < 4


@pytest.mark.usefixtures("card")
def test_only_a_job_that_fits_on_no_rung_fails_and_is_told_what_would_fit(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    denoise = StableDiffusion.denoise

    def narrow(self: StableDiffusion, calls: Any) -> torch.Tensor:
        if calls[0].row.recipe.width > 64:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return denoise(self, calls)

    monkeypatch.setattr(StableDiffusion, "denoise", narrow)
    easel = Easel()
    easel.run(Admit(job(1, width=128), tiny), Admit(job(2), tiny), jobs=2)
    [failed] = easel.of(Failed)
    assert failed.job_id == 1
    assert "128×64 with tiny does not fit into the memory of this machine." in failed.sentence
    assert [painted.job_id for painted in easel.of(Painted)] == [2]
