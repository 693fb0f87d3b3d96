"""What a training tells of itself, and what it is told."""

import logging
from dataclasses import dataclass
from pathlib import Path

from engine.errors import new_incident
from speech import say


@dataclass(frozen=True, slots=True)
class Preparing:
    """The model is loaded, and pictures and captions are encoded: so many of so many are done."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Trained:
    """A step was done.

    Attributes:
        step: How many have been.
        loss: Of this one.
        seconds: That it took.
    """

    step: int
    loss: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Sampled:
    """The sample prompts were painted after so many steps, into these files."""

    step: int
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A LoRA was written after so many steps.

    Attributes:
        step: How many.
        file: It.
        final: Whether the training has come to its end with it.
    """

    step: int
    file: Path
    final: bool


@dataclass(frozen=True, slots=True)
class Paused:
    """The training has stopped at a checkpoint, and can go on from it."""

    step: int


@dataclass(frozen=True, slots=True)
class TrainingFailed:
    """The training can't go on.

    Attributes:
        sentence: Why, for people.
        crashed: Whether its process has ended without a word, and may be tried again.
    """

    sentence: str
    crashed: bool = False


TrainingReport = Preparing | Trained | Sampled | Kept | Paused | TrainingFailed


@dataclass(frozen=True, slots=True)
class Pause:
    """Write a checkpoint, and end."""


@dataclass(frozen=True, slots=True)
class Finish:
    """End now, with the LoRA as it is."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Write the LoRA as it is, and go on."""


TrainingCommand = Pause | Finish | Keep


def unexpected(log: logging.Logger, what: str) -> TrainingFailed:
    """What is told of a bug, whose exception is at hand; the log says that `what` has failed."""
    incident = new_incident()
    log.exception("%s failed [%s]", what, incident)
    return TrainingFailed(
        say("The training failed. The log says why, under {incident}.", incident=incident)
    )
