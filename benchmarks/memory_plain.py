"""A task of `benchmarks.memory` done by the pipeline's own call."""

import gc
import time
from collections.abc import Callable
from typing import Any

import diffusers
import torch

from benchmarks.memory_ours import recipe_of
from benchmarks.memory_sizes import SIZES
from benchmarks.memory_task import BEFORE_DECODING, DECODING, LOADING, Task
from engine.diffusion.oom import out_of_memory

Run = tuple[str, str, float, list[float]]
"""Outcome, note, seconds to load, seconds of each job."""


def plain(task: Task, device: torch.device) -> Run:
    """Paint with the pipeline's own call, memory saved in one of Diffusers' own ways.

    The note on running out of memory is where: `LOADING`, `BEFORE_DECODING` or `DECODING`.
    """
    seconds: list[float] = []
    load_seconds = 0.0
    steps_done = 0

    def count_steps(_: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        nonlocal steps_done
        steps_done = step + 1
        return values

    begun = time.perf_counter()
    try:
        pipe = _pipeline(task, device)
        load_seconds = time.perf_counter() - begun
        for number in range(task.count):
            begun = time.perf_counter()
            steps_done = 0
            recipe = recipe_of(task, number)
            pipe(
                recipe.prompt,
                width=recipe.width,
                height=recipe.height,
                num_inference_steps=recipe.num_inference_steps,
                guidance_scale=recipe.guidance_scale,
                generator=torch.Generator("cpu").manual_seed(recipe.seed),
                callback_on_step_end=count_steps,
                **SIZES[task.model].call,
            )
            seconds.append(time.perf_counter() - begun)
    except Exception as error:
        if not out_of_memory(error):
            return "failed", str(error).split("\n", 1)[0], load_seconds, seconds
        where = DECODING if steps_done >= task.steps else BEFORE_DECODING
        return "out of memory", where if load_seconds else LOADING, load_seconds, seconds
    return "painted", "", load_seconds, seconds


def _pipeline(task: Task, device: torch.device) -> Any:
    dtype = torch.float32 if device.type == "cpu" else getattr(torch, task.dtype)
    pipe = diffusers.DiffusionPipeline.from_pretrained(task.folder, dtype=dtype)
    pipe.set_progress_bar_config(disable=True)
    way, _, tiled = task.way.partition(", ")
    if tiled:
        pipe.vae.enable_tiling()
    _WAYS[way](pipe, device)
    gc.collect()
    return pipe


def _group_offload(kind: str) -> Callable[[Any, torch.device], Any]:
    def enable(pipe: Any, device: torch.device) -> None:
        pipe.enable_group_offload(
            device,
            offload_type=kind,
            num_blocks_per_group=1 if kind == "block_level" else None,
            use_stream=device.type == "cuda",
        )

    return enable


_WAYS: dict[str, Callable[[Any, torch.device], Any]] = {
    "to": lambda pipe, device: pipe.to(device),
    "model offload": lambda pipe, device: pipe.enable_model_cpu_offload(device=device),
    "group offload by block": _group_offload("block_level"),
    "group offload by leaf": _group_offload("leaf_level"),
    "sequential offload": lambda pipe, device: pipe.enable_sequential_cpu_offload(device=device),
}
