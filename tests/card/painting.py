"""Jobs painted by the engine's own executor on a card that is plugged in."""

import queue
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import _disable_current_modes

from engine.devices.executor_setup import ExecutorSetup, no_ip_adapter
from engine.devices.messages import (
    ExecutorCommand,
    ExecutorReport,
    JobFailed,
    JobPainted,
    RunJob,
    StageMeasured,
    StopExecutor,
)
from engine.diffusion import loader, make_executor, pipelines
from engine.diffusion.families import control_loading, control_networks
from engine.diffusion.image_prompts import encoder
from engine.diffusion.image_prompts.adapter import IPAdapter
from engine.diffusion.model_memory import ModelMemory
from engine.diffusion.offload import OffloadedComponents
from engine.hub.ip_adapter_files import IPAdapterFiles
from engine.jobs.job import Job
from engine.memory.measurement import Measurement
from engine.memory.plan import Plan, Stage
from engine.memory.profiles import ProfileStore
from engine.models.adapters import AdapterCatalogue
from engine.models.controls import ControlCatalogue
from engine.models.model import Model
from engine.settings import EngineSettings
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
        pictures: Of those that were painted, levels of shape (height, width, 3 or 4).
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
    references: Sequence[Path] = (),
    ram: int = RAM,
    cache: Path | None = None,
    ip_adapter: IPAdapterFiles | None = None,
    controls: ControlCatalogue | None = None,
    control: Path | None = None,
    together: bool = False,
) -> Painting:
    """Paint `jobs`, one after the other or all together; on the CPU without a card.

    Ways to paint faster are tried if there is a folder to remember them in.

    Args:
        model: What paints.
        jobs: Which; each is shown the `references`, if its recipe has some.
        settings: Of the engine.
        card: Where.
        known: What was measured before.
        adapters: The LoRAs that can be used.
        references: Files of pictures.
        ram: Bytes of the machine beside the card.
        cache: That folder.
        ip_adapter: The files of the IP-Adapter that shows the `references`.
        controls: The control networks that can be used.
        control: File of the map for jobs whose recipe has one.
        together: Whether they share batches.
    """

    def find_ip_adapter(family: str) -> IPAdapterFiles:
        return ip_adapter or no_ip_adapter(family)

    setup = ExecutorSetup(
        settings=settings,
        profiles=ProfileStore(known),
        adapters=adapters or AdapterCatalogue(),
        cache=cache,
        find_ip_adapter=find_ip_adapter,
        controls=controls or ControlCatalogue(),
    )
    painting = Painting()
    wanted = [
        RunJob(
            job,
            model,
            references=tuple(references) if job.recipe.references else (),
            control=control if job.recipe.control else None,
        )
        for job in jobs
    ]
    if card is None:
        _paint(wanted, setup, painting, together=together)
    else:
        with plugged_in(card, ram=ram), observed(card, painting):
            _paint(wanted, setup, painting, together=together)
    return painting


def _paint(
    wanted: Sequence[RunJob], setup: ExecutorSetup, painting: Painting, *, together: bool
) -> None:
    commands: queue.SimpleQueue[ExecutorCommand] = queue.SimpleQueue()
    waiting, unfinished = list(wanted), len(wanted)

    def go_on() -> None:
        nonlocal unfinished
        unfinished -= 1
        if waiting:
            commands.put(waiting.pop(0))
        elif not unfinished:
            commands.put(StopExecutor())

    def take(report: ExecutorReport) -> None:
        match report:
            case StageMeasured(measurement):
                painting.measurements.append(measurement)
            case JobPainted():
                painting.pictures += [
                    np.frombuffer(p.data, np.uint8).reshape(p.height, p.width, -1).astype(np.int16)
                    for p in report.pictures
                ]
                go_on()
            case JobFailed():
                painting.problems.append(report.sentence)
                go_on()

    for _ in range(len(wanted) if together else 1):
        commands.put(waiting.pop(0))
    make_executor(setup, commands, take).run()


@contextmanager
def observed(card: Card, painting: Painting) -> Iterator[None]:
    """Have models loaded into the RAM beside the card, and watch what each stage takes."""
    build: Callable[..., Any] = pipelines.build_pipeline
    altering, note = OffloadedComponents.altering, OffloadedComponents._note
    begin = ModelMemory.__init__
    memories: list[ModelMemory] = []

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
        memories.append(memory)
        painting.first_plan = painting.first_plan or memory.plan

    def noted(components: OffloadedComponents, stage: Stage, names: Collection[str]) -> None:
        plan, taken = memories[-1].plan, card.allocator.peak_allocated
        painting.stages.append(StageRun(stage, plan, plan.peaks[stage], taken))
        note(components, stage, names)

    def beside(load: Callable[..., Any]) -> Callable[..., Any]:
        """Loads a module into the RAM beside the card."""

        def loaded(*args: Any) -> Any:
            with _disable_current_modes():
                module = load(*args)
                take([module])
            return module

        return loaded

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder, "_load_encoder", beside(encoder._load_encoder))
        patch.setattr(IPAdapter, "load", beside(IPAdapter.load))
        patch.setattr(control_networks, "load_control", beside(control_loading.load_control))
        patch.setattr(loader, "build_pipeline", built)
        patch.setattr(OffloadedComponents, "altering", altered)
        patch.setattr(ModelMemory, "__init__", begun)
        patch.setattr(OffloadedComponents, "_note", noted)
        yield
