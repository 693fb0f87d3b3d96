"""Which graphics cards this machine has, asked of the system instead of torch."""

import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["cuda", "rocm", "xpu", "mps"]

PCI = Path("/sys/bus/pci/devices")
"""Where Linux lists what is on the PCI bus."""

DISPLAY = "0x03"
"""How the PCI classes of display controllers begin."""

MAKERS: dict[str, tuple[Kind, str]] = {
    "0x10de": ("cuda", "An NVIDIA card"),
    "0x1002": ("rocm", "An AMD card"),
    "0x8086": ("xpu", "An Intel card"),
}
"""By PCI vendor: what torch calls its kind, and a name if nothing knows a better one."""

SECONDS = 10
"""How long a program may take to answer."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card.

    Attributes:
        kind: What torch has to be built for to use it.
        name: Its name.
        capability: An NVIDIA card's compute capability, such as 8.6, if its driver tells.
        problem: What is wrong with its driver, if that is known.
    """

    kind: Kind
    name: str
    capability: float | None = None
    problem: str = ""


def cards() -> list[Card]:
    """The cards that torch has builds for. Takes up to some seconds, and never fails."""
    match sys.platform:
        case "darwin":
            return [Card("mps", "The Apple GPU")] if _is_apple() else []
        case "win32":
            others = [card for card in _named_by_windows() if card.kind != "cuda"]
            return [*_nvidia(), *others]
    on_the_bus = list(_on_the_bus())
    others = [card for card in on_the_bus if card.kind != "cuda"]
    return [*(_nvidia() or (card for card in on_the_bus if card.kind == "cuda")), *others]


def _is_apple() -> bool:
    """Whether this is Apple's processor, also under Rosetta."""
    return platform.machine() == "arm64" or "Apple" in _told(
        "sysctl", "-n", "machdep.cpu.brand_string"
    )


def _nvidia() -> list[Card]:
    """What NVIDIA's own tool tells; a driver that doesn't work is told instead."""
    if not shutil.which("nvidia-smi"):
        return []
    for fields in ("name,compute_cap", "name"):  # drivers before 2021 know no capability
        done = _run("nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader")
        if done is not None and done.returncode == 0:
            rows = (line.partition(", ") for line in done.stdout.splitlines() if line.strip())
            return [Card("cuda", name, _number(capability)) for name, _, capability in rows]
    said = (done.stdout + done.stderr).strip() if done else ""
    problem = said.splitlines()[0].rstrip(".") if said else "nvidia-smi doesn't answer"
    return [Card("cuda", MAKERS["0x10de"][1], problem=problem)]


def _on_the_bus() -> Iterator[Card]:
    """The display controllers on Linux's PCI bus; those built into processors of Intel aren't."""
    for device in sorted(PCI.glob("*")) if PCI.is_dir() else ():
        maker = MAKERS.get(_content(device / "vendor"))
        if maker is None or not _content(device / "class").startswith(DISPLAY):
            continue
        kind, unnamed = maker
        words = shlex.split(_told("lspci", "-mm", "-s", device.name).partition("\n")[0])
        name = f"{words[2]} {words[3]}" if len(words) > 3 else unnamed
        if kind != "xpu" or "Arc" in name:
            problem = "its driver isn't installed (there's no nvidia-smi)" if kind == "cuda" else ""
            yield Card(kind, name, problem=problem)


def _named_by_windows() -> Iterator[Card]:
    command = "Get-CimInstance Win32_VideoController | Select-Object -ExpandProperty Name"
    for name in _told("powershell", "-NoProfile", "-Command", command).splitlines():
        if "Radeon" in name:
            yield Card("rocm", name.strip())
        elif "Arc" in name:
            yield Card("xpu", name.strip())


def _content(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _told(*command: str) -> str:
    """What a program prints; nothing if it isn't there or fails."""
    done = _run(*command)
    return done.stdout if done and done.returncode == 0 else ""


def _run(*command: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return None
