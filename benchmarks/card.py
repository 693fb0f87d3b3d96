"""Everything that there is to measure on a card, in one Markdown file.

    python -m benchmarks.card [--out card.md] [--minutes 10]

A burst of jobs, ways to paint faster, and memory plans by architecture: each is a benchmark of its
own, with its command above its output. What doesn't end in time is cut off, and says so.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import psutil
import torch
import typer

from engine import EngineSettings
from engine.diffusion import Device
from engine.sizes import human_size

BENCHMARKS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("A burst of jobs", ("benchmarks.burst", "--rounds", "2")),
    ("Speed: sketch", ("benchmarks.speed",)),
    ("Speed: SD 1.5", ("benchmarks.speed", "--model", "sd15", "--rounds", "3")),
    ("Speed: SDXL", ("benchmarks.speed", "--model", "sdxl", "--rounds", "3")),
    ("Memory: SD 1.5", ("benchmarks.memory", "sd15")),
    ("Memory: SDXL", ("benchmarks.memory", "sdxl")),
    ("Memory: Z-Image", ("benchmarks.memory", "z-image")),
    ("Memory: FLUX.1", ("benchmarks.memory", "flux")),
)
"""Headings, and modules with their arguments: what is quick and tells most comes first."""


def section(heading: str, command: Sequence[str], device: str, seconds: float) -> str:
    """What a benchmark prints within `seconds`, as a section of Markdown."""
    words = ["-m", *command, "--device", device]
    process = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        said, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        said, _ = process.communicate()
        said += f"\n(cut off after {seconds:.0f} seconds)"
    else:
        said += "" if process.returncode == 0 else f"\n{errors[-2000:]}"
    return f"## {heading}\n\n```text\n$ python {' '.join(words)}\n{said.rstrip()}\n```\n"


def about(device: torch.device) -> str:
    """The device and the versions, in a line."""
    parts = [str(device), f"torch {torch.__version__}", f"Python {sys.version.split()[0]}"]
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        parts[0] = f"{properties.name}, {human_size(properties.total_memory)}"
    return " · ".join(parts)


def main(
    out: Path = Path("card.md"),
    minutes: Annotated[float, typer.Option(min=0.1, max=600)] = 10.0,
    device: str = "auto",
) -> None:
    """Run all benchmarks, and write what they print to one file."""
    deadline = time.monotonic() + 60 * minutes
    name = Device.choose(EngineSettings(device=device)).name
    out.write_text(f"# A card, measured\n\n{about(name)}\n", "utf-8")
    for heading, command in BENCHMARKS:
        left = deadline - time.monotonic()
        typer.echo(f"{heading}, {max(0.0, left):.0f} seconds left", err=True)
        text = (
            section(heading, command, str(name), left)
            if left > 1
            else f"## {heading}\n\nNot run: no time was left.\n"
        )
        with out.open("a", encoding="utf-8") as file:
            file.write(f"\n{text}")
    typer.echo(f"Written to {out}.")


if __name__ == "__main__":
    typer.run(main)
