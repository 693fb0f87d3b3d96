"""A real worker, in a process of its own, with the built-in model: killed in the middle."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path

import pytest
from PIL import Image

from engine.jobs.job import Job, JobEvent
from tests.engine.cluster.sides import Bot, Place, open_bot, until
from tests.imports import ROOT

pytestmark = pytest.mark.slow

RECIPE = {"model": "sketch", "width": 128, "height": 128, "num_inference_steps": 30, "seed": 3}


async def start(place: Place, folder: Path, *arguments: str) -> Process:
    """`bot.py worker`, as its owner starts it."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "bot.py"),
        *("worker", *arguments),
        env={**os.environ, "ATELIER_ENGINE__DEVICE": "cpu", "ATELIER_STORAGE__PATH": str(folder)},
        stderr=asyncio.subprocess.DEVNULL,
    )


def pixels(event: JobEvent) -> bytes:
    """The picture that was painted."""
    [file] = event.pictures
    with Image.open(file) as image:
        return image.tobytes()


def step(bot: Bot, job: Job) -> int:
    """How far a job is."""
    event = bot.events.get(job.id)
    return event.step if event else 0


async def test_a_worker_that_is_killed_in_the_middle_costs_no_picture(
    place: Place, tmp_path: Path, model: Path
) -> None:
    async with open_bot(place, tmp_path / "bot", model, silence=8.0) as bot:
        worker = await start(place, tmp_path / "pc", "--join", place.invitation().line)
        await bot.until_here("attic")
        whole = await bot.painted(**RECIPE)
        job = await bot.push(**RECIPE)
        outcome = asyncio.create_task(bot.outcome(job))
        await until(lambda: step(bot, job) >= 5)
        worker.kill()
        await worker.wait()
        await bot.until_here()
        worker = await start(place, tmp_path / "pc")
        event = await outcome
        assert pixels(event) == pixels(whole)
        assert (await bot.jobs.get(job.id)).attempts == 0
        [state] = bot.cluster.workers
        assert state.takes_jobs
        assert [device.pictures for device in state.devices] == [1]
        worker.send_signal(signal.SIGTERM)
        assert await worker.wait() == 0
        await bot.until_here()
