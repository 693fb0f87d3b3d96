"""What the worker needs of wherever the executor runs."""

from collections.abc import Callable
from typing import Protocol

from engine.memory.device import DeviceFacts
from engine.worker.messages import ExecutorCommand, ExecutorReport

OnReport = Callable[[ExecutorReport], None]
OnCrash = Callable[[BaseException | None], None]


class DeviceDied(Exception):
    """The device's process ended without a word: a crash in native code, or killed for memory."""

    def __init__(self, code: int) -> None:
        """Take the exit code of the process; below zero it's the number of a signal."""
        super().__init__(f"The device's process ended with {code}")


class DeviceHost(Protocol):
    """Runs an executor beside the event loop, and another one after a crash."""

    def connect(self, on_report: OnReport, on_crash: OnCrash) -> None:
        """Say where reports go, once, before `start`.

        Args:
            on_report: Called in the loop with each report; of a job's progress, with the latest.
            on_crash: Called in the loop when an executor ends without having been told to. After
                `DeviceDied` its jobs may be painted again.
        """

    def send(self, command: ExecutorCommand) -> None:
        """Send a command; without an executor it waits for the next one."""

    def start(self) -> None:
        """Run an executor unless one is running."""

    async def stop(self, seconds: float) -> None:
        """Tell the executor to stop, and give it `seconds` to finish the current step.

        What it was doing beyond that is done again at the next start.
        """

    def facts(self) -> DeviceFacts:
        """What the device says now; blocks for seconds. Raises `DeviceUnavailable`."""
