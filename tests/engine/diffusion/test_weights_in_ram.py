"""Weights that are used no more are gone from RAM before others are read."""

import gc
import weakref
from typing import Any

import pytest
import torch

from engine.devices.executor_setup import ExecutorSetup
from engine.devices.messages import JobPainted, RunJob
from engine.diffusion import Device, pipelines
from engine.diffusion import loader as loading
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.loader import LoadedModel, ModelLoader
from engine.diffusion.model_cache import ModelCache
from engine.diffusion.model_memory import ModelMemory
from engine.diffusion.overflow import NumbersOverflowed
from engine.memory.plan import Stage
from engine.models.model import Model
from tests.engine.builders import engine_settings, job, model
from tests.engine.diffusion.harness import Harness


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many models were in RAM each time that another one was read."""
    there: list[int] = []
    read: list[weakref.ref[Any]] = []
    build = pipelines.build_pipeline

    def built(*about: Any, **more: Any) -> Any:
        there.append(sum(weights() is not None for weights in read))
        pipe = build(*about, **more)
        read.append(weakref.ref(pipe.unet))
        return pipe

    monkeypatch.setattr(loading, "build_pipeline", built)
    return there


def breaks_once(monkeypatch: pytest.MonkeyPatch, where: Any, verb: str, error: Exception) -> None:
    sound, errors = getattr(where, verb), [error]

    def breaks(*about: Any, **more: Any) -> Any:
        if errors:
            raise errors.pop()
        return sound(*about, **more)

    monkeypatch.setattr(where, verb, breaks)


def test_the_last_model_is_gone_when_the_next_one_is_read(tiny: Model, there: list[int]) -> None:
    harness = Harness(models_in_ram_gb=0)
    for number, name in enumerate("abc"):
        harness.run(RunJob(job(number, model=name), model(tiny.source, name)), jobs=1)
        harness.executor._stopping = False
    assert len(harness.of(JobPainted)) == 3
    assert there == [0, 0, 0]


def test_narrow_weights_are_gone_when_wider_ones_are_read(
    tiny: Model, there: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks_once(monkeypatch, StableDiffusion, "denoise", NumbersOverflowed(Stage.STEP))
    harness = Harness()
    harness.run(RunJob(job(1), model(tiny.source, dtype="bfloat16")), jobs=1)
    assert harness.of(JobPainted)
    assert there == [0, 0]


@pytest.mark.parametrize("verb", ["plan_for", "fall_back"])
def test_weights_that_a_new_plan_has_no_use_for_are_gone_when_others_are_read(
    tiny: Model, there: list[int], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(LoadedModel, "needs_reload", property(lambda loaded: len(there) < 2))
    monkeypatch.setattr(ModelMemory, verb, lambda memory, *_, **__: True)
    if verb == "fall_back":
        error = torch.OutOfMemoryError("CUDA out of memory")
        breaks_once(monkeypatch, StableDiffusion, "denoise", error)
    harness = Harness()
    harness.run(RunJob(job(1), tiny), jobs=1)
    assert harness.of(JobPainted)
    assert there == [0, 0]


def test_a_model_that_found_no_room_is_gone_when_it_is_read_again(
    tiny: Model, there: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks_once(monkeypatch, ModelLoader, "_assemble", RuntimeError("MPS backend out of memory"))
    monkeypatch.setattr(ModelMemory, "fall_back", lambda memory, *_: True)
    settings = engine_settings()
    loader = ModelLoader(ExecutorSetup(settings=settings), Device.choose(settings))
    loader.load(tiny, lambda nbytes: None)
    assert there == [0, 0]


def test_no_more_models_leave_than_have_to(tiny: Model) -> None:
    """What streams is in cycles of references, and only gone once they are looked for."""
    kept: list[weakref.ref[LoadedModel]] = []

    class Cache(ModelCache):
        def _free_ram(self) -> int:
            return 2**60 if sum(one() is not None for one in kept) < 3 else 0

    settings = engine_settings()
    device = Device.choose(settings)
    cache = Cache(device, ModelLoader(ExecutorSetup(settings=settings), device))
    gc.disable()
    try:
        for name in "abcd":
            loaded: Any = cache.get(model(tiny.source, name))
            loaded.itself = loaded
            kept.append(weakref.ref(loaded))
            del loaded
    finally:
        gc.enable()
    assert [one() is not None for one in kept] == [False, True, True, True]
