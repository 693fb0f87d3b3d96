"""What a stage takes of the device: counted from when its components have arrived."""

from dataclasses import dataclass

import torch


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
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int | None:
    """The most that was allocated since `reset_peak`; `None` if the device doesn't count."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
