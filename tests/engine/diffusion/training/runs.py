"""Trainings of tiny models: what they are made from, and what they report."""

import errno
import os
import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file

from engine.diffusion.training.trainer import Trainer
from engine.training.messages import TrainingCommand, TrainingReport
from engine.training.request import Kind, TrainingRequest
from engine.training.run_folder import RunFolder
from engine.training.setup import TrainingSetup
from tests.engine import builders as making
from tests.engine.training.pictures import picture

R = TypeVar("R")

SIDE = 64

CAPTIONS = "a zork", "a red zork house"

SQUARES = ((SIDE, SIDE),) * 3


def training(
    folder: Path,
    model: Path,
    sizes: Sequence[tuple[int, int]] = SQUARES,
    *,
    scheduler: str = "default",
    base: str | None = None,
    **changes: Any,
) -> TrainingSetup:
    """A training in `folder` on drawings of these sizes; `changes` are those of its request."""
    values: dict[str, Any] = {
        "name": "zork",
        "model": "tiny",
        "kind": Kind.SUBJECT,
        "trigger": "zork",
        "steps": 3,
        "rank": 2,
        "learning_rate": 1e-2,
        "side": SIDE,
        "seed": 5,
        "caption_dropout": 0.0,
        "checkpoint_every": 100,
        "sample_every": 100,
    }
    run = RunFolder(folder)
    run.pictures.mkdir(parents=True)
    for number, size in enumerate(sizes):
        picture(number, size).save(run.pictures / f"{number}.png")
        (run.pictures / f"{number}.txt").write_text(CAPTIONS[number % 2])
    return TrainingSetup(
        settings=making.engine_settings(),
        model=making.model(model, scheduler=scheduler, num_inference_steps=2),
        base=base,
        request=TrainingRequest(**values | changes),
        folder=folder,
    )


def no_space(handle: int) -> None:
    """In place of `os.fsync`."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@dataclass
class Run:
    """A training that is driven as its process drives it, and all its reports.

    `watch` is called with each report, between two steps: what it puts in `commands` is obeyed
    before the next.
    """

    setup: TrainingSetup
    watch: Callable[["Run", TrainingReport], None] = lambda run, report: None
    commands: "queue.SimpleQueue[TrainingCommand]" = field(default_factory=queue.SimpleQueue)
    reports: list[TrainingReport] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trainer = Trainer(self.setup, self.commands, self._take)

    def _take(self, report: TrainingReport) -> None:
        self.reports.append(report)
        self.watch(self, report)

    def of(self, kind: type[R]) -> list[R]:
        """The reports of one kind."""
        return [report for report in self.reports if isinstance(report, kind)]

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.setup.folder)

    @property
    def lora(self) -> dict[str, torch.Tensor]:
        """The tensors of the finished file."""
        tensors: dict[str, torch.Tensor] = load_file(self.folder.result(self.setup.request.name))
        return tensors


def trained(
    setup: TrainingSetup,
    watch: Callable[[Run, TrainingReport], None] = lambda run, report: None,
) -> Run:
    """A training that has come to its end."""
    run = Run(setup, watch)
    run.trainer.run()
    return run
