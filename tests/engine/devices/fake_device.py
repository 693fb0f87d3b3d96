"""Devices for the dispatcher's tests: hosts that do what a test says, and no torch."""

from collections.abc import Callable
from typing import Any

from engine.devices.attached_device import AttachedDevice
from engine.devices.device_host import OnCrash, OnReport
from engine.devices.messages import (
    CancelJob,
    ExecutorCommand,
    ExecutorReport,
    JobDropped,
    JobPainted,
    JobProgress,
    Pixels,
    Preload,
    RunJob,
)
from engine.jobs.job import Job
from engine.memory.device import DeviceFacts
from engine.memory.plan import Stage
from engine.memory.profiles import ProfileStore
from tests.engine.builders import measurement


class FakeHost:
    """A `DeviceHost` that records what it's told and paints black pictures when asked to."""

    def __init__(self) -> None:
        self.sent: list[ExecutorCommand] = []
        self.started = 0
        self.stopped = False
        self.released = False
        self.report: OnReport
        self.crash: OnCrash

    def connect(self, on_report: OnReport, on_crash: OnCrash) -> None:
        self.report, self.crash = on_report, on_crash

    def send(self, command: ExecutorCommand) -> None:
        self.sent.append(command)

    def start(self) -> None:
        self.started += 1

    async def stop(self, seconds: float) -> None:
        self.stopped = True

    async def release(self) -> None:
        self.released = True

    def facts(self) -> DeviceFacts:
        return DeviceFacts.imagined(8 * 10**9)

    @property
    def jobs(self) -> list[int]:
        """The jobs that it was told to paint, in order."""
        return [command.job.id for command in self.sent if isinstance(command, RunJob)]

    @property
    def preloads(self) -> list[str]:
        """The models that it was told to load meanwhile."""
        return [command.model.name for command in self.sent if isinstance(command, Preload)]

    @property
    def cancelled(self) -> list[int]:
        """The jobs that it was told to drop."""
        return [command.job_id for command in self.sent if isinstance(command, CancelJob)]

    def job(self, job_id: int) -> Job:
        """The job as it was told last."""
        [*_, found] = [c.job for c in self.sent if isinstance(c, RunJob) and c.job.id == job_id]
        return found

    def paint(self, job_id: int, **changes: Any) -> None:
        """Report a job as painted; `changes` are those of each picture."""
        recipe = self.job(job_id).recipe
        self.report(JobPainted(job_id, (black(recipe.width, recipe.height),) * recipe.count))

    def progress(self, job_id: int, step: int) -> None:
        """Report that a job has come to a step."""
        job = self.job(job_id)
        self.report(JobProgress(job_id, step, job.cost))

    def drop(self, job_id: int) -> None:
        """Report that a cancelled job is out of the batch."""
        self.report(JobDropped(job_id))

    def say(self, report: ExecutorReport) -> None:
        """Report anything."""
        self.report(report)


def black(width: int = 64, height: int = 64) -> Pixels:
    """A black picture."""
    return Pixels(width, height, bytes(3 * width * height))


def device(name: str, host: FakeHost, **changes: Any) -> AttachedDevice:
    """A device that paints one picture at a time."""
    values: dict[str, Any] = {"name": name, "host": host, "batch_size": 1}
    return AttachedDevice(**values | changes)


def profiles(step: float, load: float | None = None, *models: str) -> ProfileStore:
    """A device where a step takes `step` seconds, and loading a model `load`, of these models."""
    names = models or ("tiny",)
    steps = [measurement(model=name, seconds=step) for name in names]
    loads = [measurement(model=name, stage=Stage.LOAD, seconds=load) for name in names if load]
    return ProfileStore([*steps, *loads])


CanPaint = Callable[[Job], bool]


def only(*models: str) -> CanPaint:
    """Whether a device that has only these models can paint a job."""
    return lambda job: job.recipe.model_needed in models
