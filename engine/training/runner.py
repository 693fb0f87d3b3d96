"""What runs a training: the bot's own trainer, or an outside one in its place."""

from collections.abc import Callable
from typing import Protocol

from engine.training.messages import TrainingCommand, TrainingReport
from engine.training.outside.process import OutsideProcess
from engine.training.process import TrainingProcess
from engine.training.setup import TrainingSetup


class TrainingRunner(Protocol):
    """What runs a training, as `TrainingProcess` does."""

    def send(self, command: TrainingCommand) -> None:
        """Tell it something; it obeys after the step that it's at."""

    async def wait(self) -> None:
        """Until it has ended."""

    async def kill(self) -> None:
        """End it at once, without a report; it can go on from its last checkpoint."""


def start_runner(
    setup: TrainingSetup, on_report: Callable[[TrainingReport], None]
) -> TrainingRunner:
    """Start what trains, in the event loop; arguments are as of `TrainingProcess`."""
    start = OutsideProcess if setup.command else TrainingProcess
    return start(setup, on_report)
