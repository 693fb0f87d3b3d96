"""A device that paints without a model: each picture is made of its seed, step by step."""

import asyncio
import io
import random
from collections.abc import Callable

from PIL import Image

from engine.devices.device_host import OnCrash, OnReport
from engine.devices.messages import (
    CancelJob,
    ExecutorCommand,
    JobDropped,
    JobPainted,
    JobProgress,
    Pixels,
    ProcessPicture,
    RunJob,
)
from engine.memory.device import DeviceFacts, DeviceMemory

FACTS = DeviceFacts(kind="cpu", name="a brush", total_bytes=1, free_bytes=1, reserve_bytes=0)


def _webp() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "WEBP")
    return buffer.getvalue()


PREVIEW = _webp()


def picture(seed: int, width: int, height: int) -> Pixels:
    """What a seed looks like."""
    return Pixels(width, height, random.Random(seed).randbytes(width * height * 3))


class Painter:
    """A `DeviceHost`. While `brush` is shut, jobs wait before each step."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.brush = asyncio.Event()
        self.brush.set()
        self.seconds = seconds
        self.begun: list[RunJob | ProcessPicture] = []
        self.commands: list[ExecutorCommand] = []
        self.painted: Callable[[RunJob | ProcessPicture], tuple[Pixels, ...]] = painted
        self._work: dict[int, asyncio.Task[None]] = {}

    def connect(self, on_report: OnReport, on_crash: OnCrash) -> None:
        self.report, self.crash = on_report, on_crash

    def send(self, command: ExecutorCommand) -> None:
        self.commands.append(command)
        match command:
            case RunJob(job) | ProcessPicture(job):
                self.begun.append(command)
                self._work[job.id] = asyncio.create_task(self._paint(command))
            case CancelJob(job_id) if job_id in self._work:
                self._work.pop(job_id).cancel()
                self.report(JobDropped(job_id))

    def start(self) -> None:
        pass

    async def stop(self, seconds: float) -> None:
        for task in self._work.values():
            task.cancel()

    async def release(self) -> None:
        pass

    def facts(self) -> DeviceFacts:
        return FACTS

    async def memory(self) -> DeviceMemory | None:
        return None

    def die(self, error: BaseException) -> None:
        """End as a process that crashes."""
        for task in self._work.values():
            task.cancel()
        self._work.clear()
        self.crash(error)

    async def _paint(self, command: RunJob | ProcessPicture) -> None:
        job = command.job
        for step in range(job.recipe.num_inference_steps):
            await self.brush.wait()
            await asyncio.sleep(self.seconds)
            self.report(JobProgress(job.id, step + 1, job.recipe.num_inference_steps, PREVIEW))
        del self._work[job.id]
        self.report(JobPainted(job.id, self.painted(command)))


def painted(command: RunJob | ProcessPicture) -> tuple[Pixels, ...]:
    """The pictures of a job."""
    recipe = command.job.recipe
    return tuple(picture(seed, recipe.width, recipe.height) for seed in recipe.seeds)


def shows(event: object, seed: int) -> bool:
    """Whether a picture is the one of that seed."""
    with Image.open(event.pictures[0]) as image:  # type: ignore[attr-defined]
        return image.tobytes() == picture(seed, 64, 64).data
