"""A task of `benchmarks.memory` done by the bot's own painter."""

import queue
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.memory_task import PROMPTS, RUNGS, Task
from engine.devices.executor_setup import ExecutorSetup
from engine.devices.messages import (
    ExecutorCommand,
    ExecutorReport,
    JobFailed,
    JobPainted,
    RunJob,
    StageMeasured,
    StopExecutor,
)
from engine.diffusion import make_executor
from engine.jobs.job import Job, JobState
from engine.jobs.recipe import Recipe
from engine.memory.device import reserve_of
from engine.memory.measurement import Measurement
from engine.memory.plan import Stage
from engine.memory.profiles import ProfileStore
from engine.models.model import Model
from engine.settings import EngineSettings, ModelSettings

Stages = dict[str, tuple[int, int]]
"""Bytes that a plan expected and that were counted, by stage."""


class Bench:
    """Drives the real painter: the next job comes in when the one before it is painted."""

    def __init__(self, task: Task, known: Sequence[Measurement] = ()) -> None:
        """Prepare to do `task`, with what was measured before."""
        self._task = task
        self._profiles = ProfileStore(known)
        self._inbox: queue.SimpleQueue[ExecutorCommand] = queue.SimpleQueue()
        self._model = model_of(task)
        self._begun = 0.0
        self.measurements: list[Measurement] = []
        self.stages: Stages = {}
        self.load_seconds = 0.0
        self.seconds: list[float] = []
        self.problem = ""
        self.out_of_memory = False

    def run(self) -> None:
        """Paint all jobs, or as many as there are until one fails."""
        setup = ExecutorSetup(settings=settings_of(self._task), profiles=self._profiles)
        self._executor = make_executor(setup, self._inbox, self._take)
        self._next()
        self._executor.run()

    @property
    def note(self) -> str:
        """What went wrong, or the plan, and how often memory ran out on the way to it."""
        down = sum(measurement.failed for measurement in self.measurements)
        plan = self.measurements[-1].plan_key if self.measurements else ""
        return self.problem or plan + (f", after {down} rungs down" if down else "")

    def _next(self) -> None:
        self._begun = time.perf_counter()
        self._inbox.put(RunJob(job_of(self._task, len(self.seconds)), self._model))

    def _take(self, report: ExecutorReport) -> None:
        match report:
            case StageMeasured(measurement) if measurement.stage is Stage.LOAD:
                self.load_seconds = measurement.seconds
                self._begun = time.perf_counter()
            case StageMeasured(measurement):
                self.measurements.append(measurement)
                self._compare(measurement)
            case JobPainted():
                self.seconds.append(time.perf_counter() - self._begun)
                if len(self.seconds) < self._task.count:
                    self._next()
                else:
                    self._inbox.put(StopExecutor())
            case JobFailed():
                self.problem = report.sentence
                self.out_of_memory = any(found.failed for found in self.measurements[-1:])
                self._inbox.put(StopExecutor())

    def _compare(self, measurement: Measurement) -> None:
        """Keep what was expected and what was counted, of the plan that is in use now."""
        counted, stage = measurement.peak_bytes, measurement.stage
        if measurement.failed:
            self.stages.clear()
        elif counted is not None:
            loaded = self._executor._model_cache.loaded
            assert loaded is not None, "it has just been measured"
            planned = loaded.memory.plan.peaks[stage]
            _, before = self.stages.get(stage, (0, 0))
            self.stages[stage] = planned, max(before, counted)


def settings_of(task: Task, **changes: Any) -> EngineSettings:
    """The engine's settings for `task`; `changes` are laid over them."""
    values: dict[str, Any] = {"device": task.device, "previews": False, "batch_size": 1}
    if task.vram_bytes is not None and task.allowed_bytes is not None:
        values["memory_gb"] = task.allowed_bytes / 1e9
        values["reserve_gb"] = reserve_of(task.vram_bytes) / 1e9
    return EngineSettings(**values | dict(RUNGS[task.rung].settings) | changes)


def model_of(task: Task) -> Model:
    """The catalogue's entry for the model of `task`."""
    settings = ModelSettings(
        source=task.folder,
        dtype="auto" if task.device == "cpu" else task.dtype,
        width=task.side,
        height=task.side,
        min_side=min(64, task.side),
        num_inference_steps=task.steps,
        guidance_scale=task.guidance,
        scheduler="default",
    )
    return Model.of(task.model, settings)


def recipe_of(task: Task, number: int) -> Recipe:
    """What job `number` of `task` paints, from 0 on."""
    return Recipe(
        prompt=PROMPTS[number % len(PROMPTS)],
        negative_prompt="",
        model=task.model,
        width=task.side,
        height=task.side,
        num_inference_steps=task.steps,
        guidance_scale=task.guidance,
        seed=number,
        count=1,
        scheduler="default",
    )


def job_of(task: Task, number: int) -> Job:
    """Job `number` of `task`, from 0 on."""
    return Job(
        id=number + 1,
        owner="benchmark",
        message_ref=None,
        recipe=recipe_of(task, number),
        state=JobState.QUEUED,
        created_at=time.time(),
    )
