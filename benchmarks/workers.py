"""How throughput grows with workers: the same bot with 1, 2 and 4 of them, on the loopback.

    python -m benchmarks.workers [--rounds 3]

Bot, workers and NATS server are processes, real but for the painting: a step is a fixed wait, so
that the processor's cores don't decide. All numbers of workers take turns in one run, while the
other workers are paused; each turn has as many jobs for each worker.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from benchmarks.cluster.place import Place

NUMBERS = (1, 2, 4)
STEPS, STEP_SECONDS = 20, 0.05


async def measured(
    numbers: Sequence[int], rounds: int, jobs: int, folder: Path
) -> dict[int, list[float]]:
    """Pictures a second in each round, by the number of workers.

    Args:
        numbers: Numbers of workers.
        rounds: How often each takes its turn.
        jobs: For each worker in each turn.
        folder: An empty one.
    """
    found: dict[int, list[float]] = {number: [] for number in numbers}
    async with Place(folder, max(numbers), STEPS, STEP_SECONDS) as place:
        await place.start_bot()
        for name in place.names:
            await place.start_worker(name)
        await place.until(lambda: place.here == set(place.names))
        seeds = iter(range(10**6))
        for _ in range(rounds):
            for number in numbers:
                await _use(place, number)
                await _paint(place, [next(seeds) for _ in range(number)])  # to warm up
                many = [next(seeds) for _ in range(jobs * number)]
                found[number].append(len(many) / await _paint(place, many))
    return found


async def _use(place: Place, number: int) -> None:
    """Pause all workers but so many."""
    place.done.clear()
    for index, name in enumerate(place.names):
        place.tell({"resume" if index < number else "pause": name})
    await place.until(lambda: len(place.done) == len(place.names))


async def _paint(place: Place, seeds: Sequence[int]) -> float:
    """Seconds until pictures of these seeds are painted."""
    before = len(place.painted)
    begun = time.perf_counter()
    place.tell({"submit": seeds})
    await place.until(lambda: len(place.painted) == before + len(seeds))
    return time.perf_counter() - begun


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each number of workers.")] = 3,
    jobs: Annotated[int, typer.Option(min=1, help="Jobs for each worker in a turn.")] = 8,
) -> None:
    """Print pictures a second, and what they are of as many times what one worker paints."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measured(NUMBERS, rounds, jobs, Path(folder) / "place"))
    one = median(found[NUMBERS[0]])
    ideal = 1 / (STEPS * STEP_SECONDS)
    typer.echo(f"{'workers':>8}{'pictures/s':>12}{'of linear':>11}{'of the waits alone':>20}")
    for number, rates in found.items():
        rate = median(rates)
        typer.echo(
            f"{number:>8}{rate:>12.3f}{rate / number / one:>11.3f}{rate / number / ideal:>20.3f}"
        )


if __name__ == "__main__":
    typer.run(main)
