"""The painter's thread: orders go in, reports come out in the event loop."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import replace

from engine.worker.messages import ExecutorCommand, ExecutorReport, JobProgress, StopExecutor

Commands = queue.SimpleQueue[ExecutorCommand]

RunExecutor = Callable[[Commands, Callable[[ExecutorReport], None]], None]
"""Makes a painter and has it paint until it is told to stop."""


class DeviceThread:
    """Starts the thread when the first order is sent; one that broke is replaced by a new one."""

    def __init__(
        self,
        paint: RunExecutor,
        take: Callable[[ExecutorReport], None],
        broke: Callable[[BaseException | None], None],
    ) -> None:
        """Prepare a thread; it is not there yet.

        Args:
            paint: What it runs.
            take: Called in the loop with each report. Of the progress of a job the latest counts.
            broke: Called in the loop when the thread ends without having been told to.
        """
        self._paint = paint
        self._take = take
        self._broke = broke
        self._inbox: Commands = queue.SimpleQueue()
        self._progress: dict[int, JobProgress] = {}
        self._painting: asyncio.Future[None] | None = None
        self._stopping = False
        self._loop = asyncio.get_running_loop()

    def send(self, order: ExecutorCommand) -> None:
        """Give an order; without a painter it waits for the next one."""
        self._inbox.put(order)

    def start(self) -> None:
        """Have a painter at work."""
        if self._painting is None or self._painting.done():
            self._painting = self._loop.create_future()
            self._painting.add_done_callback(self._ended)
            thread = threading.Thread(
                target=self._run, args=(self._painting,), name="painter", daemon=True
            )
            thread.start()

    async def stop(self, seconds: float) -> None:
        """Tell the painter to stop, and give it that long to finish the step in hand."""
        self._stopping = True
        self.send(StopExecutor())
        if self._painting is not None:
            await asyncio.wait([self._painting], timeout=seconds)

    def _run(self, painting: asyncio.Future[None]) -> None:
        """What the thread does.

        It is a daemon, since nothing interrupts a download or a long step: a program that is told
        to stop leaves it behind, and what it had in hand is begun again at the next start.
        """
        try:
            self._paint(self._inbox, self.report)
        except Exception as error:
            self._call(_settle, painting, error)
        else:
            self._call(_settle, painting, None)

    def report(self, report: ExecutorReport) -> None:
        """Called in the painter's thread. Progress is not queued up: the latest value wins.

        The loop may take the pending value at any moment, so each one calls for its own taking:
        whoever comes late finds nothing.
        """
        if isinstance(report, JobProgress):
            pending = self._progress.get(report.job_id)
            if pending is not None and report.preview is None:
                report = replace(report, preview=pending.preview)
            self._progress[report.job_id] = report
            self._call(self._take_progress, report.job_id)
        else:
            self._call(self._take, report)

    def _take_progress(self, job_id: int) -> None:
        if (progress := self._progress.pop(job_id, None)) is not None:
            self._take(progress)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        """From the thread: have the loop call; a loop that is gone needs it no more."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _ended(self, painting: asyncio.Future[None]) -> None:
        if self._stopping or painting.cancelled():
            return
        error = painting.exception()
        self._inbox = queue.SimpleQueue()
        self._broke(error)


def _settle(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
