"""A training that somebody has asked for, from its first picture to its LoRA."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.safety.verdict import SafetyVerdict
from engine.training.dataset.duplicates import Fingerprint
from engine.training.request import Kind, TrainingRequest


class TrainingState(StrEnum):
    """Where a training is."""

    COLLECTING = "collecting"
    """Its pictures are being collected; nothing is used yet."""
    WAITING = "waiting"
    """It was started, and waits for its turn."""
    RUNNING = "running"
    """It trains."""
    PAUSED = "paused"
    """It has stopped at a checkpoint."""
    FINISHED = "finished"
    """Its LoRA can be used."""
    FAILED = "failed"
    """It couldn't go on; it can be resumed from its last checkpoint."""
    CANCELLED = "cancelled"
    """It was given up, and its files are gone."""

    @property
    def over(self) -> bool:
        """Whether nothing more will happen by itself or on demand, but a failed one's resuming."""
        return self in (TrainingState.FINISHED, TrainingState.FAILED, TrainingState.CANCELLED)


UNDER_WAY = (TrainingState.WAITING, TrainingState.RUNNING, TrainingState.PAUSED)
"""The states of those that were started and aren't over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedPicture:
    """A picture that was given to a training.

    Attributes:
        number: It keeps it when others are removed.
        file: A PNG of it, upright, without anything that its file said of it.
        caption: What it shows, as people wrote it; may be empty: the trigger word stands for it.
        width: In pixels.
        height: In pixels.
        fingerprint: Finds others that look the same.
    """

    number: int
    file: Path
    caption: str
    width: int
    height: int
    fingerprint: Fingerprint = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A training.

    Attributes:
        id: Its number.
        owner: Who asked for it; opaque here.
        scope: Where, such as a server; opaque here.
        message_ref: Where its message is, any JSON value; opaque here.
        name: Of the LoRA; a finished one was given another if somebody else had taken it.
        model: Name of the model that it is trained on.
        kind: What is to be learnt.
        trigger: The words that it will answer to.
        private: Whether only its owner may use the LoRA.
        state: Where it is.
        created_at: Seconds since the epoch, as the other times.
        changed_at: When its pictures or captions were last changed.
        folder: Of its files, as `engine.training.run_folder` describes.
        step: Steps that were done; of a waiting one, up to its checkpoint.
        steps: Steps to do; 0 until it was started.
        goes_on: Of a paused one: whether it goes on by itself as soon as it may.
        attempts: How often it was begun since it last came to a checkpoint.
        error: Why it failed, or was given up by itself, in a sentence.
        started_at: When its first step could begin.
        ran_at: When it last began to run, or went on; `None` before it first had the device.
        finished_at: When it was over.
        request: What is trained, once it was started.
        pictures: Those that were given, by number.
    """

    id: int
    owner: str
    scope: str
    message_ref: Any
    name: str
    model: str
    kind: Kind
    trigger: str
    private: bool
    state: TrainingState
    created_at: float
    changed_at: float
    folder: Path
    step: int = 0
    goes_on: bool = False
    attempts: int = 0
    error: str | None = None
    started_at: float | None = None
    ran_at: float | None = None
    finished_at: float | None = None
    request: TrainingRequest | None = None
    pictures: tuple[CollectedPicture, ...] = ()

    @property
    def steps(self) -> int:
        """Steps to do; 0 until it was started."""
        return self.request.steps if self.request else 0

    @property
    def file(self) -> Path | None:
        """Its LoRA, once it is finished."""
        if self.state is not TrainingState.FINISHED or self.request is None:
            return None
        return self.folder / f"{self.request.name}.safetensors"

    @property
    def waiting_for_painting(self) -> bool:
        """Whether it has paused by itself, and goes on when nobody waits for pictures."""
        return self.state is TrainingState.PAUSED and self.goes_on


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingEvent:
    """What is to be shown of a training now.

    Attributes:
        training: It, with its latest step.
        loss: Smoothed, of the latest step of this run.
        seconds_left: Until it is finished, if it isn't interrupted; `None` while that isn't known.
        samples: The newest sheet of samples, a PNG file; it is overwritten by the next one.
        verdict: The worst that the safety checker has said of a sample; `None` if it is off, or
            hasn't looked at them yet.
        plot: The newest plot of losses, likewise.
        preparing: While the model is loaded and pictures are encoded: how many are done, of how
            many.
    """

    training: Training
    loss: float | None = None
    seconds_left: float | None = None
    samples: Path | None = None
    verdict: SafetyVerdict | None = None
    plot: Path | None = None
    preparing: tuple[int, int] | None = None

    @property
    def waiting_for_painting(self) -> bool:
        """Whether it has paused by itself since members wait for pictures."""
        return self.training.waiting_for_painting
