"""The process that compiles: `python -m engine.diffusion.compiling FILE`, with an order's file."""

import os
import sys
import threading
from pathlib import Path

import torch

from engine.diffusion.compiling.orders import compile_all


def end_with_parent() -> None:
    """End this process when its standard input ends, as it does when the parent is gone."""

    def wait() -> None:
        # `sys.stdin` has a lock, and Python aborts if it ends while a thread holds that.
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def main() -> None:
    """Compile what the file says."""
    end_with_parent()
    if hasattr(os, "nice"):
        os.nice(10)  # painting comes first
    # The file was written by this program a moment ago.
    compile_all(torch.load(Path(sys.argv[1]), weights_only=False))


if __name__ == "__main__":
    main()
