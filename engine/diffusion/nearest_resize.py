"""The one function of torchvision that the Cosmos transformer of Anima calls.

Diffusers imports it if torchvision is installed, and fails with a `NameError` at the first step if
it isn't. Nothing else here needs torchvision, which has to match the build of torch.
"""

from types import SimpleNamespace
from typing import Any

import torch
from diffusers.models.transformers import transformer_cosmos
from torch.nn import functional


def lend_resize() -> None:
    """Let the transformer resize its mask without torchvision; does nothing if it has it."""
    if not hasattr(transformer_cosmos, "transforms"):
        stand_in: Any = SimpleNamespace(
            functional=SimpleNamespace(resize=_resize),
            InterpolationMode=SimpleNamespace(NEAREST="nearest"),
        )
        transformer_cosmos.transforms = stand_in


def _resize(mask: torch.Tensor, size: list[int], interpolation: str) -> torch.Tensor:
    """As torchvision's does it with tensors."""
    return functional.interpolate(mask, size=size, mode=interpolation)
