"""Transfers to a GPU beside its computing."""

from functools import cache
from typing import Protocol

import torch

from engine.diffusion.offload.weights import OffloadedWeights


class Transfer(Protocol):
    """Copies of weights, on their way to the device."""

    def arrived(self) -> list[torch.Tensor]:
        """The copies; what is computed from now on may use them."""


class ImmediateTransfer:
    """A transfer that is done at once, where there is nothing beside which it could run."""

    def __init__(self, weights: OffloadedWeights) -> None:
        self._copies = weights.copies()

    def arrived(self) -> list[torch.Tensor]:
        """The copies."""
        return self._copies


@cache
def _stream(index: int) -> torch.cuda.Stream:
    return torch.cuda.Stream(index)  # type: ignore[no-untyped-call]


class OverlappedTransfer:
    """A transfer on a stream of its own.

    The room is taken from the computing stream's memory, so that it can be given back to it
    without further ado; the copying waits for whatever used that memory before.
    """

    def __init__(self, weights: OffloadedWeights, device: torch.device) -> None:
        computing = torch.cuda.current_stream(device)
        beside = _stream(computing.device_index)
        self._computing = computing
        self._room = weights.empty()
        beside.wait_stream(computing)
        with torch.cuda.stream(beside):
            weights.fill(self._room)
            self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._done.record(beside)

    def arrived(self) -> list[torch.Tensor]:
        """The copies, after which the computing stream waits."""
        self._computing.wait_event(self._done)
        return self._room


def transfers_to(weights: OffloadedWeights) -> Transfer:
    """Set `weights` on their way to their device."""
    if weights.device.type == "cuda":
        return OverlappedTransfer(weights, weights.device)
    return ImmediateTransfer(weights)
