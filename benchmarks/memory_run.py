"""One task of `benchmarks.memory`, in a process of its own so that peaks do not mix.

    python -m benchmarks.memory_run TASK

`TASK` is JSON, as `Task.to_json` writes it; the last line of what is printed is a `Result`.
"""

from engine.diffusion import Device  # before torch: how memory is allocated, as in the bot

# isort: split
import gc
from dataclasses import replace
from typing import Any

import torch
import typer

from benchmarks.memory_ours import Bench, Stages
from benchmarks.memory_plain import Run, plain
from benchmarks.memory_task import OURS, Result, Task
from engine.memory.measurement import Measurement
from engine.settings import EngineSettings


class Peaks:
    """The most that was allocated and held on a device, whoever resets torch's own count.

    The painter does, for each stage; so what torch knew until then is kept before.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.allocated: int | None = None
        self.reserved: int | None = None
        self._reset = torch.cuda.reset_peak_memory_stats

    def watch(self) -> None:
        """From now on nothing is missed, in this process."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats = self._keep_and_reset

    def read(self) -> None:
        """Take in what torch knows now."""
        if self._device.type == "cuda":
            self.allocated = max(self.allocated or 0, torch.cuda.max_memory_allocated(self._device))
            self.reserved = max(self.reserved or 0, torch.cuda.max_memory_reserved(self._device))

    def forget(self) -> None:
        """Begin anew."""
        self.allocated = self.reserved = None
        if self._device.type == "cuda":
            self._reset(self._device)

    def _keep_and_reset(self, device: Any = None) -> None:
        self.read()
        self._reset(device)


def run(task: Task) -> Result:
    """Do `task`, with all tensors in what its card has."""
    device = Device.choose(EngineSettings(device=task.device))
    device = replace(device, limit_bytes=task.allowed_bytes)
    device.claim()  # what is free at most, where a driver would spill into RAM
    peaks = Peaks(device.name)
    peaks.watch()
    stages: Stages = {}
    if task.way == OURS:
        (outcome, note, load_seconds, seconds), stages = ours(task, peaks)
    else:
        outcome, note, load_seconds, seconds = plain(task, device.name)
    peaks.read()
    return Result(
        task=task,
        outcome=outcome,
        note=note,
        load_seconds=load_seconds,
        seconds=seconds,
        allocated_bytes=peaks.allocated,
        reserved_bytes=peaks.reserved,
        stages=stages,
    )


def ours(task: Task, peaks: Peaks) -> tuple[Run, Stages]:
    """Paint as the bot does, without Discord, queue and database around it."""
    known: list[Measurement] = []
    if task.learned:
        rehearsal = Bench(replace(task, count=1))
        rehearsal.run()
        known = rehearsal.measurements
        gc.collect()
        torch.cuda.empty_cache()
        peaks.forget()
    bench = Bench(task, known)
    bench.run()
    outcome = "painted"
    if bench.problem:
        outcome = "out of memory" if bench.out_of_memory else "failed"
    return (outcome, bench.note, bench.load_seconds, bench.seconds), bench.stages


def main(task: str) -> None:
    """Do one task."""
    print(run(Task.from_json(task)).to_json())


if __name__ == "__main__":
    typer.run(main)
