"""Everything that there is to measure on a card, in one Markdown file.

    python -m benchmarks.card [--out card.md] [--minutes 10] [--vram 8GB]

A burst of jobs, ways to paint faster, and memory plans by architecture: each is a benchmark of its
own, in a process of its own, with its command above its output. Each has a share of the time, and
what it leaves over goes to the next ones. What isn't finished by then, what doesn't fit the card
and what breaks is said in its place; the file is written after each. Nothing is downloaded: models
have random weights, which are written to a folder beside the file and deleted at the end.
"""

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.machine import Machine, NoAnswer
from benchmarks.processes import run_python


@dataclass(frozen=True, slots=True)
class Part:
    """A benchmark.

    Attributes:
        heading: For people.
        share: Its share of the time: seconds of ten minutes.
        command: A module and its arguments.
        model: The architecture whose weights it needs.
        least: Seconds without which it isn't begun.
    """

    heading: str
    share: float
    command: Sequence[str]
    model: str = ""
    least: float = 30.0

    @property
    def plans(self) -> bool:
        """Whether it measures memory plans, and prints Markdown."""
        return self.command[0] == "benchmarks.memory"

    def on(self, machine: Machine, vram: str | None) -> Sequence[str]:
        """The command on a machine; plans are for a card of the size `vram`, if one is given."""
        words = [*self.command, "--device", machine.device]
        if self.plans and machine.card_bytes is not None:
            words += ["--card-bytes", str(machine.card_bytes)]
        if self.plans and vram is not None:
            words += ["--vram", vram]
        return words


MODES = ("--way", "exact", "--way", "close", "--way", "quick")
SDXL_SPEED = ("benchmarks.speed", "--model", "sdxl", "--rounds", "2", "--steps", "20", *MODES)

PARTS: Sequence[Part] = (
    Part("A burst of jobs", 70, ("benchmarks.burst", "--rounds", "2")),
    Part("Memory: SD 1.5", 80, ("benchmarks.memory", "sd15"), "sd15"),
    Part("Speed: SD 1.5", 70, ("benchmarks.speed", "--model", "sd15", *MODES), "sd15"),
    Part("Memory: SDXL", 110, ("benchmarks.memory", "sdxl", "--count", "2"), "sdxl"),
    Part("Speed: SDXL", 125, SDXL_SPEED, "sdxl"),
    Part("Speed: sketch", 45, ("benchmarks.speed", "--rounds", "3")),
    Part("Memory: Z-Image", 80, ("benchmarks.memory", "z-image", "--count", "2"), "z-image", 60),
    Part("Memory: FLUX.1", 20, ("benchmarks.memory", "flux", "--count", "2"), "flux", 100),
)
"""What is quick and tells most comes first; FLUX.1 takes more minutes, or a fast machine."""

WEIGHTS = "atelier-benchmarks"
"""The folder of weights among temporary files."""

ENDING = 15.0
"""Seconds before the end of a part when it is to show what it has."""


def section(
    heading: str,
    command: Sequence[str],
    seconds: float,
    variables: Mapping[str, str],
    *,
    is_markdown: bool = False,
) -> str:
    """What a benchmark prints within `seconds`, as a section of Markdown."""
    words = ["-m", *command, "--seconds", f"{max(1.0, seconds - ENDING):.0f}"]
    ended = run_python(words, seconds, variables)
    said = ended.output.strip("\n")
    text = f"```text\n$ python {' '.join(words)}\n"
    text += f"```\n\n{said}\n" if is_markdown else f"{said}\n```\n"
    if ended.code is None:
        text += f"\nCut off after {seconds:.0f} seconds.\n"
    elif ended.code:
        text += f"\nExit code {ended.code}:\n\n```text\n{ended.errors[-2000:].strip()}\n```\n"
    return f"## {heading}\n\n{text}"


def measure(machine: Machine, folder: Path, deadline: float, vram: str | None) -> Iterator[str]:
    """Each part's section, once it ends; its weights go when nothing needs them any more.

    Args:
        machine: Where it runs.
        folder: For temporary files.
        deadline: When all have ended.
        vram: The card to stand in for.
    """
    variables = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    for number, part in enumerate(PARTS):
        shares = sum(later.share for later in PARTS[number:])
        seconds = (deadline - time.monotonic()) * part.share / shares
        typer.echo(f"{part.heading}, for at most {max(0.0, seconds):.0f} seconds", err=True)
        if seconds < part.least:
            yield f"## {part.heading}\n\nNot run: too little time was left; see --minutes.\n"
            continue
        command = part.on(machine, vram)
        yield section(part.heading, command, seconds, variables, is_markdown=part.plans)
        if part.model and part.model not in {later.model for later in PARTS[number + 1 :]}:
            shutil.rmtree(folder / WEIGHTS / part.model, ignore_errors=True)


def main(
    out: Path = Path("card.md"),
    minutes: Annotated[float, typer.Option(min=0.1, max=600)] = 10.0,
    device: str = "auto",
    vram: Annotated[
        str | None, typer.Option(help="For memory plans, a card to stand in for, like 8GB.")
    ] = None,
) -> None:
    """Run all benchmarks, and write what they print to one file."""
    deadline = time.monotonic() + 60 * minutes
    try:
        machine = Machine.ask(device)
    except NoAnswer as error:
        raise typer.BadParameter(str(error)) from error
    if (device, machine.device) == ("auto", "cpu"):
        raise typer.BadParameter(
            "torch found no card here. Perhaps it is a build for the CPU: docs/owners.md says how "
            "to install another. With --device cpu the CPU is measured."
        )
    lines = "\n".join(f"- {line}" for line in machine.lines)
    out.write_text(f"# A card, measured\n\n{lines}\n", "utf-8")
    with temporary_folder(out.absolute().parent) as folder:
        for text in measure(machine, folder, deadline, vram):
            with out.open("a", encoding="utf-8") as file:
                file.write(f"\n{text}")
    typer.echo(f"Written to {out}.")


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder in `parent`, deleted at the end, also when the terminal is closed."""
    names = ["SIGTERM", "SIGHUP"] if hasattr(signal, "SIGHUP") else ["SIGTERM"]  # not on Windows
    numbers = [getattr(signal, name) for name in names]
    before = [signal.signal(number, lambda *_: sys.exit(1)) for number in numbers]
    try:
        with tempfile.TemporaryDirectory(
            prefix="card-", dir=parent, ignore_cleanup_errors=True
        ) as folder:
            yield Path(folder)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


if __name__ == "__main__":
    typer.run(main)
