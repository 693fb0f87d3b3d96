"""Transfers to a card that overlap with its computing."""

from functools import cache
from typing import Any, Protocol

import torch

from engine.diffusion.card import card_of
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
def _stream(kind: str, index: int) -> Any:
    card = card_of(torch.device(kind, index))
    assert card is not None, "others have no streams"
    return card.Stream(index)


class OverlappedTransfer:
    """A transfer on a stream of its own.

    Its memory is allocated on the computing stream, so that it can be freed there without
    synchronizing; the copying waits for whatever used that memory before.
    """

    def __init__(self, weights: OffloadedWeights, card: Any) -> None:
        """Start it.

        Args:
            weights: What is transferred.
            card: The module of torch for their device, see `card_of`.
        """
        computing = card.current_stream(weights.device)
        copying = _stream(weights.device.type, computing.device_index)
        self._computing = computing
        self._copies = weights.empty_copies()
        copying.wait_stream(computing)
        with card.stream(copying):
            weights.copy_to(self._copies)
            self._done = card.Event()
            self._done.record(copying)

    def wait(self) -> list[torch.Tensor]:
        """The copies, which the computing stream waits for."""
        self._computing.wait_event(self._done)
        return self._copies


def start_transfer(weights: OffloadedWeights) -> Transfer:
    """Start transferring `weights` to their device."""
    if (card := card_of(weights.device)) is not None:
        return OverlappedTransfer(weights, card)
    return ImmediateTransfer(weights)
