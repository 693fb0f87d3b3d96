"""What a stage takes of the device: counted from when its components have arrived."""

from dataclasses import dataclass

import torch

from engine.diffusion.card import card_of


@dataclass(frozen=True, slots=True)
class Usage:
    """What was on the device while some components worked.

    Attributes:
        peak_bytes: At most.
        weight_bytes: Of that in weights.
    """

    peak_bytes: int
    weight_bytes: int


def reset_peak(device: torch.device) -> None:
    """Start counting `peak_bytes` from here."""
    if (card := card_of(device)) is not None:
        card.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int | None:
    """The most that was allocated since `reset_peak`; `None` if the device doesn't count."""
    card = card_of(device)
    return None if card is None else int(card.max_memory_allocated(device))
