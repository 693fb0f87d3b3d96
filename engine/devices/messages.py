"""What passes between the event loop and the device's thread: plain values, never a tensor."""

import queue
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from PIL import Image

from engine.jobs.job import Job
from engine.memory.measurement import Measurement
from engine.memory.precision import Overflow
from engine.models.model import Model
from engine.models.networks import Network


@dataclass(frozen=True, slots=True)
class RunJob:
    """To the executor: paint this job with that model, from the next step on."""

    job: Job
    model: Model
    image: Path | None = None
    """File of the start image."""
    mask: Path | None = None
    """File of the mask."""
    references: tuple[Path, ...] = ()
    """Files of the pictures that the model is shown beside the prompt."""
    control: Path | None = None
    """File of the map that the picture is painted along."""
    alone: bool = False
    """Whether it shares no batch: the program stopped while it was painted before."""


@dataclass(frozen=True, slots=True)
class Preload:
    """To the executor: load this model while others run; a job needs it next."""

    model: Model


@dataclass(frozen=True, slots=True)
class ForgetModel:
    """To the executor: release the model of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class CancelJob:
    """To the executor: drop this job before the next step."""

    job_id: int


@dataclass(frozen=True, slots=True)
class StopExecutor:
    """To the executor: drop everything and end."""


@dataclass(frozen=True, slots=True)
class ProcessPicture:
    """To the executor: have a network work on this job's picture, beside whatever is painted."""

    job: Job
    network: Network
    image: Path
    """File of the picture."""


ExecutorCommand = RunJob | ProcessPicture | Preload | ForgetModel | CancelJob | StopExecutor

CommandQueue = queue.SimpleQueue[ExecutorCommand]


@dataclass(frozen=True, slots=True)
class Pixels:
    """A finished picture: 8-bit RGB or RGBA, row by row from the top left."""

    width: int
    height: int
    data: bytes
    mode: Literal["RGB", "RGBA"] = "RGB"

    @classmethod
    def of(cls, image: Image.Image) -> Self:
        """Those of an image, in RGBA if it has an alpha channel, otherwise in RGB."""
        mode: Literal["RGB", "RGBA"] = "RGBA" if "A" in image.getbands() else "RGB"
        return cls(*image.size, image.convert(mode).tobytes(), mode)

    def image(self) -> Image.Image:
        """The picture for Pillow."""
        return Image.frombytes(self.mode, (self.width, self.height), self.data)


@dataclass(frozen=True, slots=True)
class JobProgress:
    """From the executor: denoising steps done and to do, summed over the job's pictures."""

    job_id: int
    step: int
    total_steps: int
    preview: bytes | None = None
    """WebP, if there is a new one."""
    step_seconds: float = field(default=0.0, compare=False)
    """What the latest step took whose time is known."""


@dataclass(frozen=True, slots=True)
class JobPainted:
    """From the executor: all pictures of the job, in the order of their seeds."""

    job_id: int
    pictures: tuple[Pixels, ...]


@dataclass(frozen=True, slots=True)
class JobFailed:
    """From the executor: the job failed; the sentence is for people."""

    job_id: int
    sentence: str


@dataclass(frozen=True, slots=True)
class JobDropped:
    """From the executor: the job was cancelled and is out of the batch."""

    job_id: int


@dataclass(frozen=True, slots=True)
class JobReturned:
    """From a device of another machine: it can't paint the job now, which others can."""

    job_id: int
    sentence: str | None = None
    """For people, if it won't paint the job later either: the job fails unless others can."""


@dataclass(frozen=True, slots=True)
class BatchPlanned:
    """From the executor: a model is painted with batches of up to so many pictures from now on."""

    model: str
    pictures: int


@dataclass(frozen=True, slots=True)
class StageMeasured:
    """From the executor: what a stage of a memory plan took, worth keeping for the next start."""

    measurement: Measurement


@dataclass(frozen=True, slots=True)
class ModelOverflowed:
    """From the executor: a model overflowed in a type and not in a wider one, worth keeping."""

    overflow: Overflow


ExecutorReport = (
    JobProgress
    | JobPainted
    | JobFailed
    | JobDropped
    | JobReturned
    | BatchPlanned
    | StageMeasured
    | ModelOverflowed
)
