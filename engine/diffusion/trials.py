"""Comparing ways to compute the same: how long they take, and whether it is the same."""

import time
from collections.abc import Callable

import torch

from engine.diffusion.card import wait_for

MIN_GAIN = 1.03
"""A way must be so many times as fast as the plain one; less may be chance."""

TOLERANCE = 0.05
"""The most that results may differ, as a share of the largest number: bfloat16 keeps 8 bits, whose
rounding grows over some dozens of layers."""


def best_seconds(compute: Callable[[], object], device: torch.device, repeats: int = 1) -> float:
    """The shortest time that `compute` takes on the device, of some calls."""
    return min(_seconds(compute, device) for _ in range(repeats))


def differs(found: torch.Tensor, expected: torch.Tensor, tolerance: float = TOLERANCE) -> bool:
    """Whether two results are further apart than rounding explains."""
    most = (found.float() - expected.float()).abs().max()
    return not bool(most <= tolerance * expected.float().abs().max())


def _seconds(compute: Callable[[], object], device: torch.device) -> float:
    wait_for(device)
    begun = time.perf_counter()
    compute()
    wait_for(device)
    return time.perf_counter() - begun
