"""A training's checkpoint: one file, from which it goes on to the same result."""

import io
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.atomic_write import write_whole
from engine.errors import StorageError
from engine.sizes import human_size
from speech import say

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a training has come.

    Attributes:
        step: Steps that are done.
        layers: The LoRA's weights and their average.
        optimizer: Its state.
        schedule: That of the learning rate.
    """

    step: int
    layers: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    schedule: Mapping[str, Any]

    def write(self, file: Path) -> None:
        """Write it; a checkpoint that is there is replaced, or stays as it is.

        Raises:
            StorageError: There's no room, or the folder can't be written.
        """
        content = io.BytesIO()
        torch.save(
            {
                "step": self.step,
                "layers": self.layers,
                "optimizer": self.optimizer,
                "schedule": self.schedule,
            },
            content,
        )
        try:
            write_whole(file, content.getvalue())
        except OSError as error:
            raise StorageError(
                say(
                    "The checkpoint of the training, {size}, can't be written: {reason}. Make "
                    "room, then go on from the one before it.",
                    size=human_size(content.tell()),
                    reason=error.strerror or str(error),
                )
            ) from error

    @classmethod
    def read(cls, file: Path) -> "Checkpoint | None":
        """The one in `file`; `None` if there is none, or it can't be read."""
        try:
            found = torch.load(file, map_location="cpu", weights_only=True)
            return cls(found["step"], found["layers"], found["optimizer"], found["schedule"])
        except FileNotFoundError:
            return None
        except Exception as error:  # a damaged file may raise anything
            log.warning("%s can't be read, so the training begins anew: %s", file, error)
            return None
