"""A device on which each step takes a fixed time, however busy the processor is."""

import asyncio
import random

from engine.devices.device_host import OnCrash, OnReport
from engine.devices.messages import (
    CancelJob,
    ExecutorCommand,
    JobDropped,
    JobPainted,
    JobProgress,
    Pixels,
    RunJob,
)
from engine.memory.device import DeviceFacts
from engine.tasks import Tasks


class FixedWait:
    """A `DeviceHost` that paints as many jobs side by side as it's given."""

    def __init__(self, seconds: float) -> None:
        """Take the seconds of a step."""
        self._seconds = seconds
        self._work: dict[int, asyncio.Task[None]] = {}
        self._tasks = Tasks()

    def connect(self, on_report: OnReport, on_crash: OnCrash) -> None:
        """As `DeviceHost.connect`."""
        self._report = on_report

    def send(self, command: ExecutorCommand) -> None:
        """As `DeviceHost.send`."""
        match command:
            case RunJob(job):
                self._work[job.id] = self._tasks.start(self._paint(command), f"paint {job.id}")
            case CancelJob(job_id) if (task := self._work.pop(job_id, None)) is not None:
                task.cancel()
                self._report(JobDropped(job_id))

    def start(self) -> None:
        """As `DeviceHost.start`."""

    async def stop(self, seconds: float) -> None:
        """As `DeviceHost.stop`."""
        await self._tasks.cancel()

    async def release(self) -> None:
        """As `DeviceHost.release`."""

    def facts(self) -> DeviceFacts:
        """As `DeviceHost.facts`."""
        return DeviceFacts(
            kind="cpu", name="fixed wait", total_bytes=1, free_bytes=1, reserve_bytes=0
        )

    async def memory(self) -> None:
        """As `DeviceHost.memory`: it can't tell."""

    async def _paint(self, command: RunJob) -> None:
        job = command.job
        steps = job.recipe.num_inference_steps
        due = asyncio.get_running_loop().time()
        for step in range(1, steps + 1):
            due += self._seconds
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            self._report(JobProgress(job.id, step, steps))
        del self._work[job.id]
        pictures = tuple(
            picture(seed, job.recipe.width, job.recipe.height) for seed in job.recipe.seeds
        )
        self._report(JobPainted(job.id, pictures))


def picture(seed: int, width: int, height: int) -> Pixels:
    """What a seed looks like: noise, the worst case for a picture's way."""
    return Pixels(width, height, random.Random(seed).randbytes(3 * width * height))
