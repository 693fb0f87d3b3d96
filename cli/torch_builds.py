"""Which of PyTorch's builds a card needs, and how to get it."""

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType

from cli.cards import Card, cards
from cli.findings import Finding, Mark
from cli.program import INSTALLED

INDEX = "https://download.pytorch.org/whl/"
"""Where PyTorch's builds are; each index also has the oldest version that this program supports."""

TURING = 7.5
"""The least compute capability of the builds for CUDA 12.8. Those for 12.6 support older cards."""

INDEXES = {"cuda": "cu128", "older": "cu126", "rocm": "rocm6.4", "xpu": "xpu", "mps": None}
"""The index of each kind of card; `None` for the one that pip uses anyway."""

BUILT_FOR = {"cuda": "CUDA", "rocm": "ROCm", "xpu": "Intel XPU", "mps": "Apple's Metal"}

DRIVERS = {
    "cuda": "Update its driver from https://www.nvidia.com/drivers.",
    "rocm": "Install AMD's driver for ROCm (https://rocm.docs.amd.com), and add yourself to the "
    "groups render and video: sudo usermod -aG render,video $USER",
    "xpu": "Install Intel's driver for computing (https://dgpu-docs.intel.com).",
    "mps": "macOS 14 or newer is needed.",
}


def unused_cards(torch: ModuleType) -> Iterator[Finding]:
    """The cards that are here, if torch finds none, and what to do about each."""
    if torch.cuda.device_count() or torch.xpu.device_count() or torch.backends.mps.is_available():
        return
    build = build_of(torch)
    for card in cards():
        reason, advice = _why(card, build)
        text = f"{card.name} is here, but torch {torch.__version__} can't use it: {reason}."
        yield Finding(Mark.NOTE, "card", text, advice)


def build_of(torch: ModuleType) -> str:
    """What an installed torch was built for: a kind of card, or `cpu`."""
    found = {
        "cuda": torch.version.cuda,
        "rocm": torch.version.hip,
        "xpu": getattr(torch.version, "xpu", None),
        "mps": torch.backends.mps.is_built(),
    }
    return next((kind for kind, there in found.items() if there), "cpu")


def _why(card: Card, build: str) -> tuple[str, str]:
    """Why torch can't use a card, and what to do."""
    if build == card.kind:
        return card.problem or "its driver is missing or too old", DRIVERS[card.kind]
    reason = f"it was built for {BUILT_FOR.get(build, 'the CPU')}"
    lines = install_lines(card)
    if not lines:
        return reason, "PyTorch has builds for AMD cards on Linux only, also in WSL2."
    if card.problem:
        return f"{reason}, and {card.problem}", "\n".join([DRIVERS[card.kind], *lines])
    return reason, "\n".join(["Install the right build:", *lines])


def install_lines(card: Card) -> list[str]:
    """What to type to get the build for a card; nothing if there is none for this system.

    The build that is there has to go first, since pip takes it for the same version.
    """
    if card.kind == "rocm" and sys.platform == "win32":
        return []
    older = card.kind == "cuda" and card.capability is not None and card.capability < TURING
    index = INDEXES["older" if older else card.kind]
    pip = f"{subprocess.list2cmdline([sys.executable])} -m pip"
    source = f" --index-url {INDEX}{index}" if index else ""
    return [f"{pip} uninstall -y torch", f'{pip} install "{requirement()}"{source}']


def requirement() -> str:
    """The versions of torch that this program supports, such as `torch>=2.9,<3`."""
    try:
        needed = importlib.metadata.requires(INSTALLED) or []
    except importlib.metadata.PackageNotFoundError:
        needed = []
    return next((each for each in needed if re.match(r"torch[<>=]", each)), "torch")
