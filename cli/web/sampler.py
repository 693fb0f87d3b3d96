"""Looks at the event loop, the device and the disk from time to time, and keeps the last day."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Histogram

from engine import AtelierError, DeviceMemory, Studio, Tasks
from engine.sizes import size_of

INTERVAL = 10.0
"""Seconds between two samples of the device."""

DAY = 24 * 3600.0

LAG_INTERVAL = 1.0
LAGS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)
"""Seconds: between two looks at the event loop, and upper bounds of the histogram's buckets."""

DISK_INTERVAL = 600.0
FOLDERS = ("pictures", "uploads")
"""What is counted of the data folder, and how often, in seconds."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The device's memory at one moment, in seconds since the epoch."""

    at: float
    memory: tuple[DeviceMemory, ...]


class Sampler:
    """The samples since the start, of a day at most; they are kept in memory only.

    Attributes:
        memory: The latest of the devices' memory.
        disk: Bytes of files, by folder.
        samples: All of them, oldest first.
    """

    def __init__(self, registry: CollectorRegistry, studio: Studio, folder: Path) -> None:
        """Prepare; `start` starts.

        Args:
            registry: Where the event loop's lag is measured.
            studio: The engine.
            folder: The data folder.
        """
        self.memory: Sequence[DeviceMemory] = ()
        self.disk: Mapping[str, int] = {}
        self.samples: deque[Sample] = deque(maxlen=int(DAY / INTERVAL))
        self._studio = studio
        self._folder = folder
        self._tasks = Tasks()
        self._lag = Histogram(
            "atelier_event_loop_lag_seconds",
            "How much later than asked for the bot's event loop wakes up.",
            buckets=LAGS,
            registry=registry,
        )

    def start(self) -> None:
        """Look from now on, until `stop`."""
        self._tasks.start(self._watch_loop(), "measure the event loop's lag")
        self._tasks.start(self._watch_device(), "sample the device's memory")
        self._tasks.start(self._watch_disk(), "count what pictures take")

    async def stop(self) -> None:
        """Look no more."""
        await self._tasks.cancel()

    async def sample(self) -> None:
        """Take one sample of the devices; of one that can't be asked there is none."""
        try:
            self.memory = tuple(await self._studio.device_memory())
        except AtelierError:
            self.memory = ()
        self.samples.append(Sample(time.time(), self.memory))

    async def _watch_loop(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_INTERVAL
            await asyncio.sleep(LAG_INTERVAL)
            self._lag.observe(max(0.0, loop.time() - due))

    async def _watch_device(self) -> None:
        while True:
            await self.sample()
            await asyncio.sleep(INTERVAL)

    async def _watch_disk(self) -> None:
        while True:
            with suppress(OSError):
                self.disk = await asyncio.to_thread(_disk_use, self._folder)
            await asyncio.sleep(DISK_INTERVAL)


def _disk_use(folder: Path) -> dict[str, int]:
    """The bytes of files in each of `FOLDERS`."""
    return {name: size_of((folder / name).rglob("*")) for name in FOLDERS}
