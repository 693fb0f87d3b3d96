"""The process that trains: it has the device to itself, and can be killed at any moment."""

import asyncio
import logging
import os
import queue
from collections.abc import Callable

from engine.errors import AtelierError
from engine.processes.channel import Channel
from engine.processes.child_process import ChildProcess
from engine.training.messages import (
    Kept,
    Paused,
    TrainingCommand,
    TrainingFailed,
    TrainingReport,
    unexpected,
)
from engine.training.setup import TrainingSetup
from speech import retranslate, say

log = logging.getLogger(__name__)


class TrainingProcess:
    """Runs one training until it is finished, paused, or can't go on. It belongs to the loop."""

    def __init__(self, setup: TrainingSetup, on_report: Callable[[TrainingReport], None]) -> None:
        """Start it.

        Args:
            setup: What to train.
            on_report: Called in the loop with everything that happens. The last report is a final
                `Kept`, a `Paused` or a `TrainingFailed`.
        """
        self._on_report = on_report
        self._settled = False
        self._ended = asyncio.Event()
        self._process = ChildProcess(
            "training", run_training, setup, on_message=self._take, on_exit=self._exited
        )

    def send(self, command: TrainingCommand) -> None:
        """Tell it something; it obeys after the step that it's at."""
        self._process.send(command)

    async def wait(self) -> None:
        """Until it has ended."""
        await self._ended.wait()

    async def kill(self) -> None:
        """End it at once; it can go on from its last checkpoint."""
        self._settled = True
        await self._process.stop(0)

    def _take(self, report: TrainingReport) -> None:
        if isinstance(report, TrainingFailed):
            report = TrainingFailed(retranslate(report.sentence))
        if isinstance(report, Paused | TrainingFailed) or (
            isinstance(report, Kept) and report.final
        ):
            self._settled = True
        self._on_report(report)

    def _exited(self, code: int) -> None:
        if not self._settled:
            log.error("The training's process has ended with code %d", code)
            self._on_report(
                TrainingFailed(
                    say(
                        "The training was broken off: its process has ended. It can go on from "
                        "its last checkpoint."
                    ),
                    crashed=True,
                )
            )
        self._ended.set()


def run_training(channel: Channel, setup: TrainingSetup) -> None:
    """In the child: train, and tell the parent how it goes."""
    from engine.diffusion.oom import out_of_memory
    from engine.diffusion.training.trainer import Trainer

    if hasattr(os, "nice"):
        os.nice(10)  # painting comes first
    commands: queue.SimpleQueue[TrainingCommand] = queue.SimpleQueue()
    channel.listen(commands.put, {})
    try:
        Trainer(setup, commands, channel.send).run()
    except AtelierError as error:
        log.error("The training of %s can't go on: %s", setup.request.name, error)
        channel.send(TrainingFailed(error.sentence))
    except Exception as error:
        if out_of_memory(error):
            channel.send(TrainingFailed(_too_large(setup)))
            return
        channel.send(unexpected(log, f"The training of {setup.request.name}"))


def _too_large(setup: TrainingSetup) -> str:
    request = setup.request
    if request.batch > 1:
        return say(
            "Memory ran out. Train with a smaller batch than {batch}, or a smaller size.",
            batch=request.batch,
        )
    return say(
        "Memory ran out. Train at a smaller size than {side} × {side}, or on a smaller model.",
        side=request.side,
    )
