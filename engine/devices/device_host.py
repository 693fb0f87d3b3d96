"""What the dispatcher needs of wherever an executor runs."""

import logging
from collections.abc import Callable
from typing import Protocol

from engine.devices.messages import ExecutorCommand, ExecutorReport
from engine.errors import new_incident
from engine.memory.device import DeviceFacts, DeviceMemory
from speech import Sentence, say

log = logging.getLogger(__name__)

OnReport = Callable[[ExecutorReport], None]
OnCrash = Callable[[BaseException | None], None]


class DeviceDied(Exception):
    """The device's process ended without a word: a crash in native code, or killed for memory."""

    def __init__(self, code: int) -> None:
        """Take the exit code of the process; below zero it's the number of a signal."""
        super().__init__(f"The device's process ended with {code}")


class DeviceLost(Exception):
    """The device can't be reached any more, for a while or for good; no job is to blame.

    What it was painting is painted elsewhere, from the same seeds.
    """


def crash_sentence(error: BaseException | None) -> Sentence:
    """For people: an executor has crashed; the log has the error, under the incident told here."""
    incident = new_incident()
    log.critical("The executor crashed (incident %s)", incident, exc_info=error)
    return say(
        "Painting crashed. The owner can find the reason in the log: {incident}.",
        incident=incident,
    )


class DeviceHost(Protocol):
    """Runs an executor beside the event loop, and another one after a crash."""

    def connect(self, on_report: OnReport, on_crash: OnCrash) -> None:
        """Say where reports go, once, before `start`.

        Args:
            on_report: Called in the loop with each report; of a job's progress, with the latest.
            on_crash: Called in the loop when an executor ends without having been told to. After
                `DeviceDied` its jobs may be painted again, after `DeviceLost` they are, on any
                device that accepts work; after anything else they have failed.
        """

    def send(self, command: ExecutorCommand) -> None:
        """Send a command; without an executor it waits for the next one."""

    def start(self) -> None:
        """Run an executor unless one is running."""

    async def stop(self, seconds: float) -> None:
        """Tell the executor to stop, and give it `seconds` to finish the current step.

        What it was doing beyond that is done again at the next start.
        """

    async def release(self) -> None:
        """End the executor, which has nothing to do: its memory is free then. `start` runs one."""

    def facts(self) -> DeviceFacts:
        """What the device says now; blocks for seconds. Raises `DeviceUnavailable`."""

    async def memory(self) -> DeviceMemory | None:
        """How much of the device's memory is taken now; `None` while no executor can tell.

        It starts nothing: while nothing was painted, torch isn't imported for it.
        """
