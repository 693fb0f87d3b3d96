"""What passes between asyncio and the painter's thread: plain values, never a tensor."""

from dataclasses import dataclass

from engine.jobs import Job
from engine.models import Model


@dataclass(frozen=True, slots=True)
class Admit:
    """To the painter: paint this job with that model, from the next step on."""

    job: Job
    model: Model


@dataclass(frozen=True, slots=True)
class Cancel:
    """To the painter: drop this job before the next step."""

    job_id: int


@dataclass(frozen=True, slots=True)
class Stop:
    """To the painter: drop everything and end the thread."""


Order = Admit | Cancel | Stop


@dataclass(frozen=True, slots=True)
class Pixels:
    """A finished picture: 8-bit RGB, row by row from the top left."""

    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """From the painter: denoising steps done and to do, summed over the job's pictures."""

    job_id: int
    step: int
    total_steps: int
    preview: bytes | None = None
    """WebP, if there is a new one."""


@dataclass(frozen=True, slots=True)
class Painted:
    """From the painter: all pictures of the job, in the order of their seeds."""

    job_id: int
    pictures: tuple[Pixels, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """From the painter: the job broke; the sentence is for people."""

    job_id: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """From the painter: the job was cancelled and is out of the batch."""

    job_id: int


@dataclass(frozen=True, slots=True)
class Measured:
    """From the painter: one step of `rows` pictures took `seconds`.

    With `rows` 0 (and no size) it is the loading of the model that took so long.
    """

    model: str
    width: int
    height: int
    rows: int
    seconds: float


Report = Progress | Painted | Failed | Dropped | Measured
