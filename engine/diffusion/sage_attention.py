"""SageAttention: the product of queries and keys in 8 bits, where its package is installed.

Zhang et al., "SageAttention: Accurate 8-Bit Attention for Plug-and-play Inference Acceleration",
2024. It takes no masks, so it's for families whose denoiser never gets one.
"""

from typing import Any

import torch
from diffusers.models.attention_dispatch import AttentionBackendName
from diffusers.utils import is_sageattention_available, is_sageattention_version

UNMASKED = frozenset({"flux", "flux2-klein"})
"""Families whose denoiser attends through Diffusers' dispatcher, and to all tokens of all rows."""

LEAST_VERSION = "2.1.1"
"""What Diffusers' dispatcher asks for."""


def why_not_sage(family: str | None, dtype: torch.dtype, device: torch.device) -> str | None:
    """Why a model can't use it, for the log; `None` if it can."""
    if family not in UNMASKED:
        return "its kind of model isn't supported"
    if device.type != "cuda" or torch.version.hip is not None:
        return "it needs an NVIDIA card"
    if dtype is torch.float32:
        return "it needs half precision"
    if not (is_sageattention_available() and is_sageattention_version(">=", LEAST_VERSION)):
        return f"sageattention {LEAST_VERSION} or later isn't installed"
    return None


def use_sage_attention(denoiser: Any, *, use: bool = True) -> None:
    """Have a denoiser attend by SageAttention, or no longer.

    `set_attention_backend` of Diffusers would do so for all models that are loaded.
    """
    for module in denoiser.modules():
        processor: Any = getattr(module, "processor", None)
        if hasattr(processor, "_attention_backend"):
            processor._attention_backend = AttentionBackendName.SAGE if use else None
