"""What torch has for a card: NVIDIA's and AMD's answer as `torch.cuda`, Intel's as `torch.xpu`.

Both have the same streams, events and counters of memory. Apple's GPU has none of these: its memory
is RAM.
"""

from typing import Any

import torch

from engine.memory.device import OWN_MEMORY


def card_of(device: torch.device) -> Any | None:
    """The module of torch for a card; `None` for a device whose memory is RAM."""
    return torch.get_device_module(device) if device.type in OWN_MEMORY else None


def wait_for(device: torch.device) -> None:
    """Wait until a device has done all that it was given."""
    if (card := card_of(device)) is not None:
        card.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
