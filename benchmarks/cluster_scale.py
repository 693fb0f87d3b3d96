"""What a submit costs while up to 100,000 jobs wait, and how many jobs a second the bot hands out.

    python -m benchmarks.cluster_scale [--workers 200] [--servers 1000]

The studio is the real one, with its queue, its SQLite database, its NATS server and the wire. The
workers are simulated in another process: each has a connection and a key of its own and speaks the
real protocol, but paints a small picture in no time. So what is measured is the bot.
"""

import asyncio
import json
import logging
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cluster.models import engine, models
from benchmarks.cluster.place import free_port, invite
from engine import ClusterSettings, ImageRequest, Requester, Studio, open_studio
from engine.cluster.server.keys import new_key

WAITING = (0, 1_000, 10_000, 100_000)
REPEATS = 200
CHUNK = 2000
PEOPLE = 3
"""Of each server."""

WARM_UP, SECONDS = 3.0, 15.0
JOIN_SECONDS = 60.0


class Crowd:
    """Asks for pictures in many servers."""

    def __init__(self, studio: Studio, servers: int) -> None:
        self._studio = studio
        self._servers = servers
        self._number = 0

    async def submit(self) -> None:
        """Ask for a picture, as somebody in some server."""
        owner, scope = self._somebody()
        request = ImageRequest(prompt="a red house", seed=self._number)
        await self._studio.submit(request, Requester(owner=owner, scope=scope))

    async def fill(self, waiting: int) -> None:
        """Have so many jobs wait, of everybody about as many: stored at once, and queued."""
        store, dispatcher = self._studio._store, self._studio._dispatcher
        await self.submit()
        [(job_id,)] = await store.database.read("SELECT max(id) FROM jobs")
        like = await store.jobs.get(job_id)
        recipe = json.dumps(like.recipe.to_json())
        while (missing := min(CHUNK, waiting - len(dispatcher))) > 0:
            jobs = [
                replace(like, id=job_id + n + 1, owner=owner, scope=scope)
                for n, (owner, scope) in enumerate(self._somebody() for _ in range(missing))
            ]
            async with store.database.transaction() as connection:
                await connection.executemany(
                    "INSERT INTO jobs (id, owner, home, recipe, state, created_at, scope) "
                    "VALUES (?, ?, 'null', ?, 'queued', ?, ?)",
                    [(job.id, job.owner, recipe, time.time(), job.scope) for job in jobs],
                )
            for job in jobs:
                dispatcher.push(job)
            job_id += len(jobs)

    def _somebody(self) -> tuple[str, str]:
        self._number += 1
        server = self._number % self._servers
        person = self._number // self._servers % PEOPLE
        return f"user {server}-{person}", f"guild:{server}"

    async def measured(self) -> tuple[Sequence[float], float]:
        """Seconds of submits, shortest first; and the processor's for one of them."""
        found, busy = [], time.process_time()
        for _ in range(REPEATS):
            begun = time.perf_counter()
            await self.submit()
            found.append(time.perf_counter() - begun)
        return sorted(found), (time.process_time() - busy) / REPEATS


@asynccontextmanager
async def bot(folder: Path, workers: int, port: int) -> AsyncIterator[tuple[Studio, str]]:
    """A studio that doesn't paint itself, and the keys of the workers that it has invited."""
    keys = {f"worker-{number}": new_key() for number in range(workers)}
    await invite(folder, keys)
    listen = ClusterSettings(listen=f"127.0.0.1:{port}")
    async with open_studio(
        engine(), models(steps=1), folder, 10**6, cluster=listen, isolated=True
    ) as studio:
        yield studio, json.dumps({name: key.seed for name, key in keys.items()})


def here(studio: Studio) -> int:
    """How many workers are here."""
    return sum(not device.local for device in studio.devices)


async def saturated(studio: Studio, folder: Path, port: int, keys: str) -> tuple[int, float, float]:
    """How many workers came, jobs a second that were painted, and the bot's share of a core."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.cluster.simulated_workers"),
        *(str(folder), str(port), "0"),
        stdin=PIPE,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(f"{keys}\n".encode())
        deadline = time.monotonic() + JOIN_SECONDS
        workers = len(json.loads(keys))
        while here(studio) < workers and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        came = here(studio)
        await asyncio.sleep(WARM_UP)
        before, busy, begun = _left(studio), time.process_time(), time.perf_counter()
        await asyncio.sleep(SECONDS)
        seconds = time.perf_counter() - begun
        return came, (before - _left(studio)) / seconds, (time.process_time() - busy) / seconds
    finally:
        process.kill()
        await process.wait()


def _left(studio: Studio) -> int:
    """Jobs that aren't painted."""
    status = studio.status()
    return status.waiting + status.running


async def measure(workers: int, servers: int, waiting: Sequence[int], folder: Path) -> None:
    """Print both."""
    port = free_port()
    async with bot(folder, workers, port) as (studio, keys):
        crowd = Crowd(studio, servers)
        typer.echo(f"{'waiting':>9}{'submit, ms: median':>20}{'99 %':>8}{'processor':>11}")
        for number in waiting:
            await crowd.fill(number)
            times, busy = await crowd.measured()
            median, worst = statistics.median(times), times[int(0.99 * (len(times) - 1))]
            typer.echo(f"{number:>9}{1e3 * median:>20.2f}{1e3 * worst:>8.2f}{1e3 * busy:>11.2f}")
        came, rate, busy = await saturated(studio, folder, port, keys)
        typer.echo(
            f"{came} workers, {studio.status().waiting} waiting: {rate:.0f} jobs a second, "
            f"with {100 * busy:.0f} % of a core in the bot"
        )


def main(
    workers: Annotated[int, typer.Option(min=1, help="Simulated workers.")] = 200,
    servers: Annotated[int, typer.Option(min=1, help="Discord servers that ask.")] = 1000,
    most: Annotated[int, typer.Option(min=1, help="Jobs that wait at most.")] = WAITING[-1],
) -> None:
    """Print a table of submits, then where the bot saturates."""
    logging.disable(logging.WARNING)
    waiting = [number for number in WAITING if number <= most]
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(workers, servers, waiting, Path(folder) / "bot"))


if __name__ == "__main__":
    typer.run(main)
