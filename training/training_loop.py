"""What every stage of training shares: a bounded, resumable course with its learning rate."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

CACHE = Path(__file__).parent / ".cache"


class TrainingRun:
    """Counts the working minutes of one stage, across restarts, and writes its checkpoints."""

    def __init__(self, name: str, minutes: float, cache: Path = CACHE) -> None:
        self.path = cache / f"{name}.pt"
        self.seconds = minutes * 60
        self.spent = 0.0
        self.step = 0
        self._mark = time.monotonic()
        cache.mkdir(parents=True, exist_ok=True)

    def restore(self) -> dict[str, Any] | None:
        """Return what the last checkpoint holds, if there is one, and go on from its clock."""
        if not self.path.exists():
            return None
        saved: dict[str, Any] = torch.load(self.path, weights_only=True)
        self.spent, self.step = saved["spent"], saved["step"]
        return saved

    def save(self, **content: Any) -> None:
        """Write a checkpoint; a crash leaves the last one whole."""
        temporary = self.path.with_suffix(".tmp")
        torch.save({"spent": self.spent, "step": self.step, **content}, temporary)
        os.replace(temporary, self.path)

    def resume(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, average: MovingAverage
    ) -> None:
        """Go on from what `keep` wrote, if there is any; an optimizer may be missing from it."""
        if saved := self.restore():
            network.load_state_dict(saved["network"])
            if "optimizer" in saved:
                optimizer.load_state_dict(saved["optimizer"])
            average.weights = saved["average"]

    def keep(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, average: MovingAverage
    ) -> None:
        """Write a checkpoint of a network in training."""
        self.save(
            network=network.state_dict(),
            optimizer=optimizer.state_dict(),
            average=average.weights,
        )

    def begin(self) -> None:
        """Start the clock: what was done before (drawing, encoding) costs no training time."""
        self._mark = time.monotonic()

    def advance(self) -> bool:
        """Count one step and tell whether there is time for it."""
        now = time.monotonic()
        self.spent += now - self._mark
        self._mark = now
        self.step += 1
        return self.spent < self.seconds

    @property
    def progress(self) -> float:
        """Return the part of the course that is behind us, from 0 to 1."""
        return min(1.0, self.spent / self.seconds)

    def rate(self, peak: float, warm_up: int = 100) -> float:
        """Return the learning rate now: a linear warm-up, then a cosine to a hundredth."""
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress))
        return peak * min(1.0, self.step / warm_up) * (0.01 + 0.99 * cosine)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group of parameters this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


class MovingAverage:
    """An exponential moving average of a network's weights, with a warm-up of its memory."""

    def __init__(self, network: nn.Module, memory: float) -> None:
        self.memory = memory
        self.weights = {name: w.detach().clone() for name, w in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move the average a little towards the weights as they are now."""
        share = 1 - min(self.memory, (1 + step) / (10 + step))
        weights = network.state_dict()
        torch._foreach_lerp_(list(self.weights.values()), [weights[n] for n in self.weights], share)
