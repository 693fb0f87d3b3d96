"""Jobs painted by the engine's own executor on a card that is plugged in."""

import queue
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import _disable_current_modes

from engine.diffusion import loader, make_executor, pipelines
from engine.diffusion.model_memory import ModelMemory
from engine.diffusion.offload import OffloadedComponents
from engine.jobs.job import Job
from engine.memory.measurement import Measurement
from engine.memory.plan import Plan, Stage
from engine.memory.profiles import ProfileStore
from engine.models.adapters import AdapterCatalogue
from engine.models.catalogue import Model
from engine.settings import EngineSettings
from engine.worker.executor_setup import ExecutorSetup
from engine.worker.messages import (
    ExecutorCommand,
    ExecutorReport,
    JobFailed,
    JobPainted,
    RunJob,
    StageMeasured,
    StopExecutor,
)
from tests.card.card import Card, plugged_in
from tests.card.tensors import as_card_tensors

RAM = 64 * 10**9


@dataclass(frozen=True, slots=True)
class StageRun:
    """A stage that was gone through: what its plan expected, and what the card counted, bytes."""

    stage: Stage
    plan: Plan
    expected: int
    allocated: int


@dataclass
class Painting:
    """What came out of some jobs.

    Attributes:
        pictures: Of those that were painted, levels of shape (height, width, 3).
        problems: What people are told about those that weren't.
        stages: The stages in the order in which they were gone through.
        measurements: What would be saved.
        first_plan: What was planned before anything was measured.
    """

    pictures: list[np.ndarray[Any, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    stages: list[StageRun] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    first_plan: Plan | None = None

    @property
    def failures(self) -> list[Stage]:
        """Where memory ran out on the way."""
        return [one.stage for one in self.measurements if one.failed]

    def peak(self, stage: Stage) -> StageRun:
        """The run of `stage` that took most."""
        return max((r for r in self.stages if r.stage is stage), key=lambda run: run.allocated)


def paint(
    model: Model,
    jobs: Sequence[Job],
    settings: EngineSettings,
    card: Card | None = None,
    *,
    known: Iterable[Measurement] = (),
    adapters: AdapterCatalogue | None = None,
    ram: int = RAM,
) -> Painting:
    """Paint `jobs` one after the other; on the CPU without a card."""
    setup = ExecutorSetup(
        settings=settings,
        profiles=ProfileStore(known),
        adapters=adapters or AdapterCatalogue(),
    )
    painting = Painting()
    if card is None:
        _paint(model, jobs, setup, painting)
    else:
        with plugged_in(card, ram=ram), _observed(card, painting):
            _paint(model, jobs, setup, painting)
    return painting


def _paint(model: Model, jobs: Sequence[Job], setup: ExecutorSetup, painting: Painting) -> None:
    commands: queue.SimpleQueue[ExecutorCommand] = queue.SimpleQueue()
    waiting = list(jobs)

    def go_on() -> None:
        commands.put(RunJob(waiting.pop(0), model) if waiting else StopExecutor())

    def take(report: ExecutorReport) -> None:
        match report:
            case StageMeasured(measurement):
                painting.measurements.append(measurement)
            case JobPainted():
                painting.pictures += [
                    np.frombuffer(p.data, np.uint8).reshape(p.height, p.width, 3).astype(np.int16)
                    for p in report.pictures
                ]
                go_on()
            case JobFailed():
                painting.problems.append(report.sentence)
                go_on()

    go_on()
    make_executor(setup, commands, take).run()


@contextmanager
def _observed(card: Card, painting: Painting) -> Iterator[None]:
    """Have models loaded into the RAM beside the card, and watch what each stage takes."""
    build: Callable[..., Any] = pipelines.build_pipeline
    record, begin = ModelMemory.record, ModelMemory.__init__
    altering = OffloadedComponents.altering

    def take(modules: Iterable[Any]) -> None:
        for module in modules:
            if isinstance(module, torch.nn.Module):
                as_card_tensors(module, card)

    @contextmanager
    def altered(components: OffloadedComponents, *names: str) -> Iterator[None]:
        with altering(components, *names):
            yield
            with _disable_current_modes():
                take(components._modules.values())

    def built(*args: Any, **kwargs: Any) -> Any:
        with _disable_current_modes():
            pipe = build(*args, **kwargs)
            take(pipe.components.values())
        return pipe

    def begun(memory: ModelMemory, *args: Any, **kwargs: Any) -> None:
        begin(memory, *args, **kwargs)
        painting.first_plan = painting.first_plan or memory.plan

    def recorded(memory: ModelMemory, stage: Stage, *args: Any, **kwargs: Any) -> None:
        plan, taken = memory.plan, card.allocator.peak_allocated
        painting.stages.append(StageRun(stage, plan, plan.peaks[stage], taken))
        record(memory, stage, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "build_pipeline", built)
        patch.setattr(OffloadedComponents, "altering", altered)
        patch.setattr(ModelMemory, "__init__", begun)
        patch.setattr(ModelMemory, "record", recorded)
        yield
