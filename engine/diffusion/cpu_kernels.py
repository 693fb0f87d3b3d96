"""What makes a model faster on a CPU; pictures differ by rounding only.

oneDNN takes convolutions with their channels last as they are; others it rearranges at every call.
MKL, which multiplies matrices of float32, leaves AVX-512 of AMD's processors unused, so oneDNN is
twice as fast there.
"""

import platform
from collections.abc import Iterable
from contextlib import suppress
from functools import cache

import torch
from torch import nn

MAX_WORDS = 500
"""Characters of `/proc/cpuinfo` in which the maker of the first processor is named."""


def use_cpu_kernels(parts: Iterable[object]) -> None:
    """Have the modules among a pipeline's components compute in the ways that are fast on a CPU.

    Call it in the inference mode in which they were made, before anything hooks into them.
    """
    linear = onednn_is_faster()
    for part in parts:
        if not isinstance(part, nn.Module):
            continue
        layers = list(part.modules())
        flat = not any(isinstance(layer, nn.Conv3d) for layer in layers)
        for layer in layers:
            if flat and isinstance(layer, nn.Conv2d):
                layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            elif linear and type(layer) is nn.Linear:
                layer.__class__ = OneDNNLinear


class OneDNNLinear(nn.Linear):
    """A linear layer whose float32 oneDNN multiplies; other types it does anyway."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """As `nn.Linear`."""
        if input.dtype is not torch.float32:
            return super().forward(input)
        return _multiply(input, self.weight, self.bias)


@cache
def onednn_is_faster() -> bool:
    """Whether oneDNN multiplies matrices of float32 faster here than torch does by itself.

    The processor tells it: a picture must not depend on how busy the machine was.
    """
    return (
        torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        and "AuthenticAMD" in _processor()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def _processor() -> str:
    """What the system says of the processor; Linux says its maker only in a file."""
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        return file.read(MAX_WORDS)
    return platform.processor()


def _multiply(rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """As `functional.linear`. The operator is the one that compiled models call."""
    multiplied: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
        rows, weight, bias, "none", [], ""
    )
    return multiplied
