"""What passes between asyncio and the painter's thread: plain values, never a tensor."""

from dataclasses import dataclass
from pathlib import Path

from engine.jobs.job import Job
from engine.memory.profile import Measurement
from engine.models.catalogue import Model


@dataclass(frozen=True, slots=True)
class RunJob:
    """To the painter: paint this job with that model, from the next step on."""

    job: Job
    model: Model
    image: Path | None = None
    """File of the picture that it starts from."""
    mask: Path | None = None
    """File of the mask."""


@dataclass(frozen=True, slots=True)
class Preload:
    """To the painter: a job for this model comes after those in hand; load it meanwhile."""

    model: Model


@dataclass(frozen=True, slots=True)
class ForgetModel:
    """To the painter: let go of the model of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class CancelJob:
    """To the painter: drop this job before the next step."""

    job_id: int


@dataclass(frozen=True, slots=True)
class StopExecutor:
    """To the painter: drop everything and end the thread."""


ExecutorCommand = RunJob | Preload | ForgetModel | CancelJob | StopExecutor


@dataclass(frozen=True, slots=True)
class Pixels:
    """A finished picture: 8-bit RGB, row by row from the top left."""

    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class JobProgress:
    """From the painter: denoising steps done and to do, summed over the job's pictures."""

    job_id: int
    step: int
    total_steps: int
    preview: bytes | None = None
    """WebP, if there is a new one."""


@dataclass(frozen=True, slots=True)
class JobPainted:
    """From the painter: all pictures of the job, in the order of their seeds."""

    job_id: int
    pictures: tuple[Pixels, ...]


@dataclass(frozen=True, slots=True)
class JobFailed:
    """From the painter: the job broke; the sentence is for people."""

    job_id: int
    sentence: str


@dataclass(frozen=True, slots=True)
class JobDropped:
    """From the painter: the job was cancelled and is out of the batch."""

    job_id: int


@dataclass(frozen=True, slots=True)
class StepMeasured:
    """From the painter: one step of `rows` pictures took `seconds`.

    With `rows` 0 (and no size) it is the loading of the model that took so long.
    """

    model: str
    width: int
    height: int
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StageMeasured:
    """From the painter: what a stage of a memory plan took, worth keeping for the next start."""

    measurement: Measurement


ExecutorReport = JobProgress | JobPainted | JobFailed | JobDropped | StepMeasured | StageMeasured
