"""What a benchmark runs on.

    python -m benchmarks.machine [--device auto]

It is asked in a process of its own: one that has asked a card may keep some of its memory.
"""

import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from benchmarks.processes import run_python

ASKING = 120.0
"""Seconds that the device has to answer; torch is imported meanwhile."""


class NoAnswer(Exception):
    """The device isn't there, or doesn't answer; why."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A device, and what is around it.

    Attributes:
        device: Its name for torch.
        card_bytes: All of its memory; `None` if that is RAM.
        lines: What people want to know of it.
    """

    device: str
    card_bytes: int | None
    lines: Sequence[str]

    @classmethod
    def ask(cls, device: str, seconds: float = ASKING) -> Self:
        """The device that `device` chooses here, if it answers in time.

        Raises:
            NoAnswer: There is none, or it doesn't.
        """
        ended = run_python(["-m", "benchmarks.machine", "--device", device], min(seconds, ASKING))
        if ended.code != 0:
            said = ended.errors.strip().splitlines() or ["The device gives no answer."]
            raise NoAnswer(said[-1])
        return cls(**json.loads(ended.output.strip().splitlines()[-1]))


def here(device: str) -> Machine:
    """The device that `device` chooses, asked in this process."""
    import diffusers
    import psutil
    import torch

    from engine import EngineSettings
    from engine.diffusion import Device
    from engine.sizes import human_size

    chosen = Device.choose(EngineSettings(device=device))
    facts = chosen.facts()
    card_bytes = facts.total_bytes if chosen.has_own_memory else None
    card = facts.name
    if card_bytes is not None:
        card += f", {human_size(card_bytes)}, {human_size(facts.free_bytes)} of it free"
    if facts.compute_capability is not None:
        card += ", compute capability " + ".".join(map(str, facts.compute_capability))
    if driver := printed_by("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"):
        card += f", driver {driver}"
    ram = psutil.virtual_memory()
    return Machine(
        str(chosen.name),
        card_bytes,
        (
            card,
            f"torch {torch.__version__}, Diffusers {diffusers.__version__}, "
            f"Python {platform.python_version()}",
            f"{platform.system()} {platform.release()}, {psutil.cpu_count()} threads, "
            f"{human_size(ram.total)} of RAM, {human_size(ram.available)} of it free",
            f"Atelier {printed_by('git', 'rev-parse', '--short', 'HEAD') or 'of no revision'}",
        ),
    )


def printed_by(*words: str) -> str:
    """The first line that a program prints here; empty without the program."""
    try:
        done = subprocess.run(
            words, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().split("\n", 1)[0] if done.returncode == 0 else ""


def main(device: str = "auto") -> None:
    """Print what `Machine.ask` reads."""
    from engine.errors import DeviceUnavailable

    try:
        print(json.dumps(asdict(here(device))))
    except DeviceUnavailable as error:
        sys.exit(error.sentence)


if __name__ == "__main__":
    import typer

    typer.run(main)
