"""The device's thread: commands go in, reports come out in the event loop."""

import asyncio
import gc
import queue
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from engine.background_thread import BackgroundThread
from engine.devices.device_host import OnCrash, OnReport
from engine.devices.executor_setup import ExecutorSetup
from engine.devices.messages import (
    CommandQueue,
    ExecutorCommand,
    ExecutorReport,
    JobProgress,
    StopExecutor,
)
from engine.memory.device import DeviceFacts, DeviceMemory
from engine.models.device_facts import device_facts, device_memory


def run_executor(
    setup: ExecutorSetup, commands: CommandQueue, report: Callable[[ExecutorReport], None]
) -> None:
    """On the device's thread, or in its process: run an executor until it is told to stop.

    Raises:
        DeviceUnavailable: The device of the settings isn't there.
    """
    # Importing torch takes seconds, which don't matter on this thread.
    from engine.diffusion import make_executor

    # What was imported stays, and looking through it for garbage takes a third of a second.
    # What an earlier executor left behind doesn't stay.
    gc.collect()
    gc.freeze()
    make_executor(setup, commands, report).run()


class DeviceThread:
    """Runs an executor on a thread of its own, and another one after a crash.

    Without the seconds that another process takes to start, for a program that paints once.
    """

    def __init__(self, setup: ExecutorSetup) -> None:
        """Prepare the thread; `start` starts it. Call it in the event loop."""
        self._setup = setup
        self._commands: CommandQueue = queue.SimpleQueue()
        self._progress: dict[int, JobProgress] = {}
        self._thread = BackgroundThread("device")
        self._running: asyncio.Future[None] | None = None
        self._stopping = False
        self._releasing = False

    def connect(self, on_report: OnReport, on_crash: OnCrash) -> None:
        """As `DeviceHost.connect`."""
        self._on_report, self._on_crash = on_report, on_crash

    def send(self, command: ExecutorCommand) -> None:
        """As `DeviceHost.send`."""
        self._commands.put(command)

    def start(self) -> None:
        """As `DeviceHost.start`."""
        if self._stopping or (self._running is not None and not self._running.done()):
            return
        self._running = self._thread.run(
            partial(run_executor, self._setup, self._commands, self.report)
        )
        self._running.add_done_callback(self._ended)

    async def stop(self, seconds: float) -> None:
        """As `DeviceHost.stop`. The thread is left behind if it takes longer."""
        self._stopping = True
        self.send(StopExecutor())
        await self._thread.stop(seconds)

    async def release(self) -> None:
        """As `DeviceHost.release`."""
        if self._running is not None and not self._running.done():
            self._releasing = True
            try:
                self.send(StopExecutor())
                await asyncio.wait([self._running])
            finally:
                self._releasing = False
            gc.collect()

    def facts(self) -> DeviceFacts:
        """As `DeviceHost.facts`."""
        return device_facts(self._setup.settings)

    async def memory(self) -> DeviceMemory | None:
        """As `DeviceHost.memory`."""
        if self._running is None or self._running.done():
            return None
        return await asyncio.to_thread(device_memory, self._setup.settings)

    def report(self, report: ExecutorReport) -> None:
        """On the device's thread: pass a report to the loop. Of progress, the latest wins.

        The loop may take the pending value at any moment, so each one asks to be taken; a call that
        comes late finds nothing.
        """
        if isinstance(report, JobProgress):
            pending = self._progress.get(report.job_id)
            if pending is not None and report.preview is None:
                report = replace(report, preview=pending.preview)
            self._progress[report.job_id] = report
            self._thread.call_soon(self._take_progress, report.job_id)
        else:
            self._thread.call_soon(self._on_report, report)

    def _take_progress(self, job_id: int) -> None:
        if (progress := self._progress.pop(job_id, None)) is not None:
            self._on_report(progress)

    def _ended(self, running: asyncio.Future[None]) -> None:
        error = None if running.cancelled() else running.exception()
        if self._stopping or running.cancelled():
            return
        self._commands = queue.SimpleQueue()
        if self._releasing:
            return
        self._on_crash(error)
