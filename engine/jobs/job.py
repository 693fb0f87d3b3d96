"""A job: one request on its way to pictures, and the events that report on it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from engine.jobs.recipe import Recipe
from engine.models.schedulers import SCHEDULERS

NETWORK_COST = 8
"""What work on a finished picture costs in the queue: about what a few-step model takes."""


class JobState(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    """Waiting for its turn."""
    RUNNING = "running"
    """Being painted."""
    PAINTED = "painted"
    """Its pictures are on disk but not posted yet."""
    POSTED = "posted"
    """Its pictures have been posted."""
    FAILED = "failed"
    """It failed; `Job.error` says why."""
    CANCELLED = "cancelled"
    """It was cancelled."""

    @property
    def waiting(self) -> bool:
        """Whether the job is still waiting or being painted."""
        return self in (JobState.QUEUED, JobState.RUNNING)


class Parent(NamedTuple):
    """The picture that a job is based on: its job, and its index there, from 0."""

    job_id: int
    number: int


class Cell(NamedTuple):
    """The place of a job in a grid: which grid, and its number there, from 0, row by row."""

    grid: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it is stored.

    Attributes:
        id: Number of the job; it grows and is never used twice.
        owner: Who asked, in the caller's words (opaque here).
        message_ref: Where the answer belongs, any JSON value (opaque here).
        recipe: What to paint.
        state: Its state.
        created_at: Seconds since the epoch.
        scope: Where it was asked for, such as a server, in the caller's words (opaque here).
        pictures: Files of the finished pictures, in the order of their seeds.
        error: What went wrong, in a sentence for people, if it failed.
        attempts: How often painting it was started.
        delivered: Whether its outcome has been shown to its owner.
        parent: The picture that it is based on, if any; its job may have been deleted.
        cell: Its place in a grid, if it is part of one.
    """

    id: int
    owner: str
    message_ref: Any
    recipe: Recipe
    state: JobState
    created_at: float
    scope: str = ""
    pictures: tuple[Path, ...] = ()
    error: str | None = None
    attempts: int = 0
    delivered: bool = False
    parent: Parent | None = None
    cell: Cell | None = None

    @property
    def cost(self) -> int:
        """What the job costs in model calls, the unit in which the queue is fair."""
        if self.recipe.model_needed is None:
            return NETWORK_COST
        calls = SCHEDULERS[self.recipe.scheduler].calls_per_step
        return self.recipe.count * self.recipe.num_inference_steps * calls


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """The latest news of a job.

    Attributes:
        job_id: Which job.
        state: Its state.
        position: Place in the queue while queued, 1 for the next one.
        downloading: Whether its model has to be downloaded first.
        downloaded: Share of the model that is on disk, 0 to 1, once it is known.
        seconds_left: Estimate until the pictures are ready; `None` if nothing was measured yet.
        step: Denoising steps done, summed over the job's pictures.
        total_steps: Steps to do, summed likewise.
        step_seconds: What the latest denoising step took, of all pictures beside it; 0 until that
            is known.
        preview: WebP bytes of the work in progress.
        pictures: Files of the finished pictures.
        error: What went wrong, in a sentence for people.
    """

    job_id: int
    state: JobState
    position: int | None = None
    downloading: bool = False
    downloaded: float | None = None
    seconds_left: float | None = None
    step: int = 0
    total_steps: int = 0
    step_seconds: float = 0.0
    preview: bytes | None = None
    pictures: tuple[Path, ...] = ()
    error: str | None = None
