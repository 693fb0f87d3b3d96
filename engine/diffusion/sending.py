"""Gives tensors of the host to a card, which takes them when their turn comes; nothing waits."""

import torch

from engine.diffusion.card import card_of

STAGED = 64 * 1024
"""Bytes that CUDA takes from RAM that isn't page-locked without waiting ("API synchronization
behavior" in its reference)."""


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The tensor on the device.

    A plain transfer to a card waits until that has done all it was given before, and runs dry.
    """
    if card_of(device) is None:
        return tensor.to(device)
    if tensor.nbytes > STAGED:
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
