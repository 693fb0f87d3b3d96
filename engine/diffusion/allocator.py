"""Imported before torch: how it allocates a card's memory, which it reads once.

In expandable segments freed memory is used again whatever the size of what comes next, where
segments of fixed sizes fragment: one prompt later the same picture no longer fits.
"""

import os
import platform
from collections.abc import MutableMapping
from importlib.metadata import version

VARIABLES = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF")
EXPANDABLE = "expandable_segments:True"

FIRST_UNIFIED = (2, 10)
"""Torch 2.9 ignores expandable segments under the newer of the names (pytorch/pytorch#183387)."""


def expand_segments(
    environment: MutableMapping[str, str], system: platform.uname_result, torch_version: str
) -> None:
    """Ask for expandable segments where they work, unless the owner has set something.

    They don't on Windows, in WSL (pytorch/pytorch#192330), on Jetson boards and on ROCm, where the
    first allocation would fail or a warning be printed.

    Args:
        environment: Of this process.
        system: What it runs on.
        torch_version: Of the installed torch, such as `2.13.0+cu130`.
    """
    number, _, build = torch_version.partition("+")
    works = (
        system.system == "Linux"
        and system.machine == "x86_64"
        and "microsoft" not in system.release.lower()
        and (not build or build.startswith("cu"))
    )
    if not works or any(variable in environment for variable in VARIABLES):
        return
    major, minor = (int(part) for part in number.split(".")[:2])
    unified = (major, minor) >= FIRST_UNIFIED
    environment["PYTORCH_ALLOC_CONF" if unified else "PYTORCH_CUDA_ALLOC_CONF"] = EXPANDABLE


expand_segments(os.environ, platform.uname(), version("torch"))
