"""A burst of jobs through the studio, against the Diffusers pipeline called in a loop.

    python -m benchmarks.burst [--jobs 50] [--users 10]

Both paint the same prompts with the same seeds and settings on the same device, one after the
other in this process, each after one picture to warm up. The studio's time counts everything: the
queue, the database, the PNG files. The loop only calls the pipeline.
"""

import asyncio
import random
import tempfile
import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import StableDiffusionPipeline
from rich.console import Console
from rich.table import Table

from engine import EngineSettings, ImageRequest, Requester, Studio, open_studio
from engine.diffusion import Device
from engine.diffusion.schedulers import make_scheduler
from engine.models.catalogue import SKETCH

THINGS = ("circle", "house", "tree", "star", "fish", "boat", "heart", "flower")
COLOURS = ("red", "blue", "green", "yellow", "orange", "purple")


def burst(jobs: int) -> list[ImageRequest]:
    """The requests: simple prompts, each with its own seed."""
    rng = random.Random(0)
    return [
        ImageRequest(prompt=f"a {rng.choice(COLOURS)} {rng.choice(THINGS)}", seed=seed)
        for seed in range(jobs)
    ]


def loop_seconds(requests: list[ImageRequest], device: torch.device) -> float:
    """Seconds for calling the pipeline once for each request."""
    dtype = torch.float32 if device.type == "cpu" else torch.float16
    pipe = StableDiffusionPipeline.from_pretrained(SKETCH.source, dtype=dtype)
    pipe.scheduler = make_scheduler(pipe.scheduler, SKETCH.scheduler)
    pipe.set_progress_bar_config(disable=True)
    pipe.to(device)

    def paint(request: ImageRequest) -> None:
        recipe = request.resolve(SKETCH)
        pipe(
            recipe.prompt,
            width=recipe.width,
            height=recipe.height,
            num_inference_steps=recipe.num_inference_steps,
            guidance_scale=recipe.guidance_scale,
            generator=torch.Generator("cpu").manual_seed(recipe.seed),
        )

    paint(requests[0])
    begun = time.perf_counter()
    for request in requests:
        paint(request)
    return time.perf_counter() - begun


async def studio_seconds(
    requests: list[ImageRequest], users: int, settings: EngineSettings
) -> float:
    """Seconds from the first submit until the last picture is on disk and recorded."""

    async def paint(studio: Studio, request: ImageRequest, owner: str) -> None:
        job = await studio.submit(request, Requester(owner=owner))
        async for event in studio.watch(job.id):
            last = event
        assert last.pictures, last.error

    with tempfile.TemporaryDirectory() as folder:
        async with open_studio(settings, {}, Path(folder)) as studio:
            await paint(studio, requests[0], "warm-up")
            begun = time.perf_counter()
            async with asyncio.TaskGroup() as together:
                for i, request in enumerate(requests):
                    together.create_task(paint(studio, request, f"user {i % users}"))
            return time.perf_counter() - begun


def main(
    jobs: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    users: Annotated[int, typer.Option(min=1, max=100)] = 10,
    batch_size: Annotated[int, typer.Option(min=1, max=32)] = EngineSettings().batch_size,
    device: str = "auto",
) -> None:
    """Print how many pictures a minute each way paints."""
    settings = EngineSettings(batch_size=batch_size, device=device, offload="resident")
    requests = burst(jobs)
    ours = asyncio.run(studio_seconds(requests, users, settings))
    loop = loop_seconds(requests, Device.choose(settings).name)
    table = Table(title=f"{jobs} jobs by {users} users, batch size {batch_size}")
    for heading in ("", "seconds", "pictures a minute", "ratio"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("pipeline in a loop", f"{loop:.1f}", f"{60 * jobs / loop:.0f}", "1.00")
    table.add_row("studio", f"{ours:.1f}", f"{60 * jobs / ours:.0f}", f"{loop / ours:.2f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
