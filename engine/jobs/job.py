"""A job: one request on its way to pictures, and the events that tell of it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from engine.jobs.request import Recipe
from engine.models.schedulers import SCHEDULERS


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    """Waits its turn."""
    RUNNING = "running"
    """The painter has it."""
    PAINTED = "painted"
    """Its pictures are on disk; they are not shown yet."""
    POSTED = "posted"
    """Its pictures have been shown."""
    FAILED = "failed"
    """It broke; `Job.error` says how."""
    CANCELLED = "cancelled"
    """Somebody called it off."""

    @property
    def waiting(self) -> bool:
        """Whether the job still wants the painter."""
        return self in (JobState.QUEUED, JobState.RUNNING)


class Parent(NamedTuple):
    """The picture that a job goes on from: its job, and its place there, from 0."""

    job_id: int
    number: int


class Cell(NamedTuple):
    """The place of a job in a sheet: which sheet, and its number there, from 0, row by row."""

    grid: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as the store knows it.

    Attributes:
        id: Number of the job; it grows and is never used twice.
        owner: Who asked, in the caller's words (opaque here).
        message_ref: Where the answer belongs, any JSON value (opaque here).
        recipe: What to paint.
        state: Where it stands.
        created_at: Seconds since the epoch.
        pictures: Files of the finished pictures, in the order of their seeds.
        error: What went wrong, in a sentence for people, if it failed.
        attempts: How often the painter has begun it.
        settled: Whether the outcome has been shown at home.
        parent: The picture that it goes on from, if it does; its job may be gone.
        cell: The place in the sheet that it is painted for, if it is.
    """

    id: int
    owner: str
    message_ref: Any
    recipe: Recipe
    state: JobState
    created_at: float
    pictures: tuple[Path, ...] = ()
    error: str | None = None
    attempts: int = 0
    settled: bool = False
    parent: Parent | None = None
    cell: Cell | None = None

    @property
    def cost(self) -> int:
        """The price of the job in model calls: the queue is fair in this unit."""
        calls = SCHEDULERS[self.recipe.scheduler].calls_per_step
        return self.recipe.count * self.recipe.num_inference_steps * calls


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """The latest that is known of a job.

    Attributes:
        job_id: Which job.
        state: Where it stands now.
        position: Place in the queue while queued, 1 for the next one.
        coming: Whether the files of its model have to come first.
        come: Share of them that is there, 0 to 1, once it is known.
        seconds_left: Estimate until the pictures are there; `None` when nothing is learned yet.
        step: Denoising steps done, summed over the job's pictures.
        total_steps: Steps to do, summed likewise.
        preview: WebP bytes of the work in progress.
        pictures: Files of the finished pictures.
        error: What went wrong, in a sentence for people.
    """

    job_id: int
    state: JobState
    position: int | None = None
    coming: bool = False
    come: float | None = None
    seconds_left: float | None = None
    step: int = 0
    total_steps: int = 0
    preview: bytes | None = None
    pictures: tuple[Path, ...] = ()
    error: str | None = None
