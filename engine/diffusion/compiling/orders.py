"""What the process that compiles is told, and how it compiles.

What is compiled stays in Inductor's cache on disk, whose folder is in TORCHINDUCTOR_CACHE_DIR. Its
keys have to be the same in both processes: they depend on the card, the number of threads, the
precision of matrix products, and on how what is compiled is pickled.
"""

import copyreg
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from engine.diffusion.compiling.blocks import Call
from engine.diffusion.device import Device


@dataclass(frozen=True, slots=True)
class Order:
    """What to compile.

    Attributes:
        device: For which device.
        backend: By which of torch.compile's backends.
        blocks: Blocks without weights, and what they are called with.
        threads: Of the process that uses it.
        precision: With which that multiplies matrices of float32, as torch calls it.
    """

    device: torch.device
    backend: str
    blocks: Sequence[tuple[nn.Module, Call]]
    threads: int
    precision: str


def compile_all(order: Order) -> None:
    """Compile the blocks of an order, one after the other."""
    Device(order.device).select()
    torch.set_num_threads(order.threads)
    torch.set_float32_matmul_precision(order.precision)
    for block, call in order.blocks:
        block.to_empty(device=order.device)
        with torch.inference_mode():
            args, kwargs = call.make(order.device)
            compiled(type(block), order.backend)(block, *args, **kwargs)


def compiled(kind: type[nn.Module], backend: str) -> Any:
    """The `forward` of a class, compiled for each shape of its own that it is called with.

    Inductor starts no processes of its own for it.
    """
    # Importing it takes time, which programs that never compile don't have to spend.
    from torch._inductor import config

    config.compile_threads = 1
    return torch.compile(kind.forward, dynamic=False, backend=backend)


def _memory_format(name: str) -> torch.memory_format:
    """That of torch with this name."""
    found: torch.memory_format = getattr(torch, name)
    return found


# By itself it is pickled as `torch.contiguous_format` of the first module that has imported torch.
copyreg.pickle(
    torch.memory_format,
    lambda value: (_memory_format, (str(value).removeprefix("torch."),)),
)
