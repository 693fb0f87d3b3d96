"""A burst of jobs through the studio, against the Diffusers pipeline called in a loop.

    python -m benchmarks.burst [--jobs 50] [--users 10] [--rounds 3] [--profile]

Both paint the same prompts with the same seeds and settings on the same device, each after one
picture to warm up. They take turns, and each turn is a process of its own: a process that has
painted slows down what comes after it. The studio's time counts everything: the queue, the
database, the PNG files. The loop only calls the pipeline. Seconds of CPU are counted, too: beside
other work on the machine they say more, with `OMP_NUM_THREADS=1`, since threads that wait for each
other take CPU. `--profile` tells where the studio's time goes instead.
"""

from engine.diffusion import Device  # before torch: how memory is allocated, as in the bot

# isort: split
import asyncio
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from typing import Annotated, Literal, NamedTuple, ParamSpec, Self, TypeVar

import torch
import typer
from diffusers import StableDiffusionPipeline
from rich.console import Console
from rich.table import Table

from benchmarks.burst_profile import Profile, Profiler
from benchmarks.time_limit import shown
from engine import EngineSettings, ImageRequest, Requester, Studio, open_studio
from engine.diffusion.schedulers import make_scheduler
from engine.models.catalogue import SKETCH

P = ParamSpec("P")
T = TypeVar("T")
Side = Literal["pipeline in a loop", "studio"]
SIDES: tuple[Side, Side] = "pipeline in a loop", "studio"

THINGS = ("circle", "house", "tree", "star", "fish", "boat", "heart", "flower")
COLOURS = ("red", "blue", "green", "yellow", "orange", "purple")


class Taken(NamedTuple):
    """Seconds that something takes: by the clock, and of CPU, on all of the process's threads."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Self:
        """Since some moment in the past."""
        return cls(time.perf_counter(), time.process_time())

    def since(self, begun: Self) -> Self:
        """From then to now."""
        return type(self)(self.wall - begun.wall, self.cpu - begun.cpu)


def burst(jobs: int) -> list[ImageRequest]:
    """The requests: simple prompts, each with its own seed."""
    rng = random.Random(0)
    return [
        ImageRequest(prompt=f"a {rng.choice(COLOURS)} {rng.choice(THINGS)}", seed=seed)
        for seed in range(jobs)
    ]


def time_loop(requests: list[ImageRequest], device: torch.device) -> Taken:
    """Call the pipeline once for each request."""
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
    begun = Taken.now()
    for request in requests:
        paint(request)
    return Taken.now().since(begun)


async def time_studio(
    requests: list[ImageRequest],
    users: int,
    settings: EngineSettings,
    profiler: Profiler | None = None,
) -> Taken:
    """From the first submit until the last picture is on disk and recorded.

    The profiler, if there is one, counts in that time.
    """

    async def paint(studio: Studio, request: ImageRequest, owner: str) -> None:
        job = await studio.submit(request, Requester(owner=owner))
        async for event in studio.watch(job.id):
            last = event
        assert last.pictures, last.error

    with tempfile.TemporaryDirectory() as folder:
        async with open_studio(settings, {}, Path(folder)) as studio:
            await paint(studio, requests[0], "warm-up")
            with profiler.counting() if profiler else nullcontext():
                begun = Taken.now()
                async with asyncio.TaskGroup() as together:
                    for i, request in enumerate(requests):
                        together.create_task(paint(studio, request, f"user {i % users}"))
                return Taken.now().since(begun)


def turn(side: Side, requests: list[ImageRequest], users: int, settings: EngineSettings) -> Taken:
    """What one side takes in a process of its own."""
    return _alone(_turn, side, requests, users, settings)


def profile(requests: list[ImageRequest], users: int, settings: EngineSettings) -> Profile:
    """Where the studio's time goes in a process of its own."""
    return _alone(_profile, requests, users, settings)


def _alone(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()


def _profile(requests: list[ImageRequest], users: int, settings: EngineSettings) -> Profile:
    profiler = Profiler()
    with profiler.installed():
        asyncio.run(time_studio(requests, users, settings, profiler))
    return profiler.profile


def _turn(side: Side, requests: list[ImageRequest], users: int, settings: EngineSettings) -> Taken:
    if side == "studio":
        return asyncio.run(time_studio(requests, users, settings))
    return time_loop(requests, Device.choose(settings).name)


def main(
    jobs: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    users: Annotated[int, typer.Option(min=1, max=100)] = 10,
    batch_size: Annotated[int, typer.Option(min=1, max=32)] = EngineSettings().batch_size,
    rounds: Annotated[int, typer.Option(min=1, max=20)] = 3,
    device: str = "auto",
    profiled: Annotated[bool, typer.Option("--profile")] = False,
    seconds: Annotated[float | None, typer.Option(help="That everything may take.")] = None,
) -> None:
    """Print how many pictures a minute each way paints, and their ratio in each round."""
    settings = EngineSettings(batch_size=batch_size, device=device, offload="resident")
    requests = burst(jobs)
    if profiled:
        Console().print(profile(requests, users, settings).table())
        return
    taken: list[list[Taken]] = []
    with shown(lambda: show(taken, jobs, users, batch_size), seconds):
        for _ in range(rounds):
            taken.append([turn(side, requests, users, settings) for side in SIDES])


def show(taken: Sequence[Sequence[Taken]], jobs: int, users: int, batch_size: int) -> None:
    """Print what the sides took in each round."""
    if not taken:
        print("No round was finished.")
        return
    table = Table(title=f"{jobs} jobs by {users} users, batch size {batch_size}")
    for heading in ("round", *SIDES, "ratio", *(f"{side}, CPU" for side in SIDES), "ratio"):
        table.add_column(heading, justify="right")
    for number, (loop, ours) in enumerate(taken, start=1):
        cells = [
            cell
            for theirs, own in zip(loop, ours, strict=True)
            for cell in (f"{theirs:.1f}", f"{own:.1f}", f"{theirs / own:.2f}")
        ]
        table.add_row(str(number), *cells)
    Console().print(table)
    loop, ours = (median(side.wall for side in column) for column in zip(*taken, strict=True))
    times = median(loop.wall / ours.wall for loop, ours in taken)
    less = median(loop.cpu / ours.cpu for loop, ours in taken)
    Console().print(
        f"Pictures a minute: {60 * jobs / loop:.0f} in a loop, {60 * jobs / ours:.0f} by the "
        f"studio; {times:.2f} times as many, {less:.2f} times as many by seconds of CPU."
    )


if __name__ == "__main__":
    typer.run(main)
