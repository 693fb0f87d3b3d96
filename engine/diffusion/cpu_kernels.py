"""What makes a model faster on a CPU; pictures differ by rounding only.

oneDNN takes convolutions with their channels last as they are; others it rearranges at every call.
MKL, which multiplies matrices of float32, leaves AVX-512 of AMD's processors unused, so oneDNN is
twice as fast there. On other processors it may not be: both are tried once.
"""

import logging
from collections.abc import Iterable
from functools import cache

import torch
from torch import nn
from torch.nn import functional

from engine.diffusion.trials import best_seconds

log = logging.getLogger(__name__)

MIN_GAIN = 1.2
"""How many times as fast as MKL oneDNN must be, to be used; less may be chance."""

SIDE, REPEATS = 512, 8
"""Rows and columns of the matrices that are tried, and how often: some 30 ms together."""


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
    """Whether oneDNN multiplies matrices of float32 faster here than torch does by itself."""
    rows, weight = torch.ones(SIDE, SIDE), torch.ones(SIDE, SIDE)
    cpu = torch.device("cpu")

    def seconds(repeats: int) -> tuple[float, float]:
        return (
            best_seconds(lambda: functional.linear(rows, weight), cpu, repeats),
            best_seconds(lambda: _multiply(rows, weight, None), cpu, repeats),
        )

    try:
        seconds(1)  # warms up
        torchs, onednns = seconds(REPEATS)
    except (AttributeError, RuntimeError) as error:
        log.info("oneDNN can't be used for linear layers: %s", error)
        return False
    gain = torchs / onednns
    log.info("Linear layers are %.2f times as fast with oneDNN", gain)
    return gain >= MIN_GAIN


def _multiply(rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """As `functional.linear`. The operator is the one that compiled models call."""
    multiplied: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
        rows, weight, bias, "none", [], ""
    )
    return multiplied
