"""Training on several CPU cores: one process a core, gradients averaged every step.

On a machine that others use too, this wastes far less than one process with several threads,
whose threads wait for each other thousands of times in each step.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from training.training_loop import TrainingRun


def run_workers(stage: Callable[[int, float], None], minutes: float, count: int) -> None:
    """Run `stage(worker, minutes)` in `count` processes and wait for all of them."""
    with tempfile.TemporaryDirectory() as folder:
        meeting = str(Path(folder) / "meeting")
        context = multiprocessing.get_context("spawn")
        workers = [
            context.Process(target=_work, args=(worker, stage, minutes, count, meeting))
            for worker in range(count)
        ]
        for process in workers:
            process.start()
        for process in workers:
            process.join()
    if any(process.exitcode for process in workers):
        raise SystemExit("A worker failed.")


def _work(
    worker: int, stage: Callable[[int, float], None], minutes: float, count: int, meeting: str
) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"file://{meeting}",
        rank=worker,
        world_size=count,
        timeout=timedelta(minutes=10),
    )
    stage(worker, minutes)
    dist.destroy_process_group()


def average_gradients(network: nn.Module, course: TrainingRun) -> None:
    """Replace every gradient, and the course's clock, by the mean over the workers."""
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    flat = torch.cat(
        [*(gradient.flatten() for gradient in gradients), torch.tensor([course.spent])]
    )
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    course.spent = float(flat[-1])
    parts = torch.split(flat[:-1], [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))
