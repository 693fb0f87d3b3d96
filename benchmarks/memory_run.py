"""One task of `benchmarks.memory`, in a process of its own so that peaks do not mix.

    python -m benchmarks.memory_run TASK

`TASK` is JSON, as `Task.to_json` writes it; the last line of what is printed is a `Result`.
"""

import gc
from dataclasses import replace
from typing import Any

import torch
import typer

from benchmarks.memory_ours import Bench
from benchmarks.memory_plain import Run, plain
from benchmarks.memory_task import OURS, Result, Task
from engine.diffusion import Device
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
    device = Device.choose(EngineSettings(device=task.device)).name
    peaks = Peaks(device)
    peaks.watch()
    if device.type == "cuda" and task.allowed_bytes is not None:
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(task.allowed_bytes / total, device.index or 0)
    outcome, note, load_seconds, seconds = (
        ours(task, peaks) if task.way == OURS else plain(task, device)
    )
    peaks.read()
    return Result(
        task=task,
        outcome=outcome,
        note=note,
        load_seconds=load_seconds,
        seconds=seconds,
        allocated_bytes=peaks.allocated,
        reserved_bytes=peaks.reserved,
    )


def ours(task: Task, peaks: Peaks) -> Run:
    """Paint as the bot does, without Discord, queue and database around it."""
    known: list[Measurement] = []
    if task.learned:
        rehearsal = Bench(replace(task, count=1))
        rehearsal.run()
        known = rehearsal.measurements
        gc.collect()
        torch.cuda.empty_cache()
        peaks.forget()
    model_cache = Bench(task, known)
    model_cache.run()
    outcome = "painted"
    if model_cache.problem:
        outcome = "out of memory" if model_cache.out_of_memory else "failed"
    return outcome, model_cache.note, model_cache.load_seconds, model_cache.seconds


def main(task: str) -> None:
    """Do one task."""
    print(run(Task.from_json(task)).to_json())


if __name__ == "__main__":
    typer.run(main)
