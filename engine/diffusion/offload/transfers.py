"""Transfers to a GPU that overlap with its computing."""

from functools import cache
from typing import Protocol

import torch

from engine.diffusion.offload.weights import OffloadedWeights


class Transfer(Protocol):
    """Copies of weights that are being transferred to the device."""

    def wait(self) -> list[torch.Tensor]:
        """The copies; what is computed from now on may use them."""


class ImmediateTransfer:
    """A transfer that is done at once, where it couldn't overlap with anything."""

    def __init__(self, weights: OffloadedWeights) -> None:
        self._copies = weights.copies()

    def wait(self) -> list[torch.Tensor]:
        """The copies."""
        return self._copies


@cache
def _stream(index: int) -> torch.cuda.Stream:
    return torch.cuda.Stream(index)  # type: ignore[no-untyped-call]


class OverlappedTransfer:
    """A transfer on a stream of its own.

    Its memory is allocated on the computing stream, so that it can be freed there without
    synchronizing; the copying waits for whatever used that memory before.
    """

    def __init__(self, weights: OffloadedWeights, device: torch.device) -> None:
        computing = torch.cuda.current_stream(device)
        copying = _stream(computing.device_index)
        self._computing = computing
        self._copies = weights.empty_copies()
        copying.wait_stream(computing)
        with torch.cuda.stream(copying):
            weights.copy_to(self._copies)
            self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._done.record(copying)

    def wait(self) -> list[torch.Tensor]:
        """The copies, which the computing stream waits for."""
        self._computing.wait_event(self._done)
        return self._copies


def start_transfer(weights: OffloadedWeights) -> Transfer:
    """Start transferring `weights` to their device."""
    if weights.device.type == "cuda":
        return OverlappedTransfer(weights, weights.device)
    return ImmediateTransfer(weights)
