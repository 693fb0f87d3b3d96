"""How long it takes to switch between two models: from the shelf in RAM, and from disk.

    python -m benchmarks.switching sd15 sdxl [--vram 8GB] [--folder DIR]

The bot's own painter paints two jobs with one model, two with the other, and so on. What the first
of two takes more than the second is the switch: loading, transfers, and what a first call costs.
With random weights of full size, which `benchmarks.memory_models` writes to `--folder`. Before a
load from disk the files leave the system's cache, unless that is refused.
"""

import os
import queue
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.memory_models import prepare
from benchmarks.memory_ours import job_of, model_of, settings_of
from benchmarks.memory_sizes import SIZES, task_of
from benchmarks.memory_task import Task
from engine.devices.executor_setup import ExecutorSetup
from engine.devices.messages import (
    ExecutorCommand,
    ExecutorReport,
    JobFailed,
    JobPainted,
    RunJob,
    StopExecutor,
)
from engine.diffusion import Device, make_executor
from engine.settings import EngineSettings


class PaintingFailed(Exception):
    """A job failed, for this reason."""


def switch_seconds(tasks: Sequence[Task], rounds: int, *, shelf: bool) -> dict[str, float]:
    """Seconds to switch to the model of each of two tasks, the one in the middle of `rounds`.

    Args:
        tasks: The models, and what is painted with each.
        rounds: Switches to each; a first one, which loads from disk in any case, is left out.
        shelf: Whether a model waits in RAM while the other one is in use.
    """
    inbox: queue.SimpleQueue[ExecutorCommand] = queue.SimpleQueue()
    order = [task for _ in range(rounds + 1) for task in tasks for _ in range(2)]
    seconds: list[float] = []
    problems: list[str] = []
    begun = 0.0

    def admit() -> None:
        nonlocal begun
        number = len(seconds)
        if not shelf and number % 2 == 0:
            drop_from_cache(Path(order[number].folder))
        begun = time.perf_counter()
        inbox.put(RunJob(job_of(order[number], number), model_of(order[number])))

    def take(report: ExecutorReport) -> None:
        match report:
            case JobPainted():
                seconds.append(time.perf_counter() - begun)
                if len(seconds) < len(order):
                    admit()
                else:
                    inbox.put(StopExecutor())
            case JobFailed(_, sentence):
                problems.append(sentence)
                inbox.put(StopExecutor())

    settings = settings_of(tasks[0], models_in_ram_gb="auto" if shelf else 0)
    executor = make_executor(ExecutorSetup(settings=settings), inbox, take)
    admit()
    executor.run()
    if problems:
        raise PaintingFailed(problems[0])
    switches = [
        (task.model, first - second)
        for task, first, second in zip(order[::2], seconds[::2], seconds[1::2], strict=True)
    ][len(tasks) :]
    return {
        task.model: median(taken for model, taken in switches if model == task.model)
        for task in tasks
    }


def drop_from_cache(folder: Path) -> None:
    """Have the system read the files of `folder` from disk the next time, where it can be asked."""
    if not hasattr(os, "posix_fadvise"):
        return
    for file in folder.rglob("*.safetensors"):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main(
    first: Annotated[str, typer.Argument(help=", ".join(SIZES))] = "sd15",
    second: Annotated[str, typer.Argument(help="Another one.")] = "sdxl",
    vram: Annotated[str | None, typer.Option(help="A card to stand in for, like 8GB.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Switches to each.")] = 3,
    folder: Annotated[Path | None, typer.Option(help="Where weights are kept.")] = None,
    device: str = "auto",
    side: Annotated[int | None, typer.Option(min=64, help="In place of the model's own.")] = None,
) -> None:
    """Print how long switching takes either way."""
    name = str(Device.choose(EngineSettings(device=device)).name)
    place = folder or Path(tempfile.gettempdir()) / "atelier-benchmarks"
    tasks = []
    for model in (first, second):
        weights = prepare(model, place / model)
        tasks.append(task_of(model, weights, vram=vram, side=side, steps=2, count=2, device=name))
    table = Table(title=f"Seconds to switch, {name}, {vram or 'whole card'}")
    for heading in ("to", "from disk", "from the shelf", "times as fast"):
        table.add_column(heading, justify="left" if heading == "to" else "right")
    disk, shelf = (switch_seconds(tasks, rounds, shelf=kept) for kept in (False, True))
    for model in (first, second):
        ratio = f"{disk[model] / shelf[model]:.1f}" if shelf[model] > 0 else "—"
        table.add_row(SIZES[model].label, f"{disk[model]:.2f}", f"{shelf[model]:.2f}", ratio)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
