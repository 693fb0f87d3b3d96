"""The process that compiles: `python -m engine.diffusion.compiling.child FILE`.

What it compiles stays in Inductor's cache on disk, whose folder is in TORCHINDUCTOR_CACHE_DIR.
"""

import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.diffusion.compiling.blocks import Call


@dataclass(frozen=True, slots=True)
class Order:
    """What to compile.

    Attributes:
        device: For which device.
        backend: By which of torch.compile's backends.
        blocks: Blocks without weights, and what they are called with.
    """

    device: torch.device
    backend: str
    blocks: Sequence[tuple[nn.Module, Call]]


def compile_all(order: Order) -> None:
    """Compile the blocks of an order, one after the other."""
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


def end_with_parent() -> None:
    """End this process when its standard input ends, as it does when the parent is gone."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    torch.set_num_threads(1)
    if hasattr(os, "nice"):
        os.nice(10)  # painting comes first
    # The file was written by this program a moment ago.
    compile_all(torch.load(Path(sys.argv[1]), weights_only=False))
