"""An executor on its thread, driven by commands as the worker drives it, and all its reports."""

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from engine.devices.executor_setup import ExecutorSetup
from engine.devices.messages import (
    ExecutorCommand,
    ExecutorReport,
    JobDropped,
    JobFailed,
    JobPainted,
    StopExecutor,
)
from engine.diffusion import make_executor
from engine.models.controls import ControlCatalogue
from tests.engine.builders import engine_settings

R = TypeVar("R")

PATIENCE = 30.0
"""Seconds after which an executor that does not end counts as stuck."""


class Harness:
    """Runs commands to their end.

    `watch` is called with each report, on the executor's thread and between two steps: what it puts
    in `commands` comes in exactly there, whatever the machine's speed.
    """

    def __init__(
        self,
        *,
        batch_size: int = 4,
        previews: bool = False,
        controls: ControlCatalogue | None = None,
        **settings_too: Any,
    ) -> None:
        self.commands: queue.SimpleQueue[ExecutorCommand] = queue.SimpleQueue()
        self.reports: list[ExecutorReport] = []
        self.watch: Callable[[ExecutorReport], None] = lambda report: None
        settings = engine_settings(batch_size=batch_size, previews=previews, **settings_too)
        setup = ExecutorSetup(settings=settings, controls=controls or ControlCatalogue())
        self.executor = make_executor(setup, self.commands, self._take)
        self._open = 0

    def run(self, *commands: ExecutorCommand, jobs: int) -> None:
        """Run until so many jobs are over; an executor that breaks or hangs fails the test."""
        self._open = jobs
        for command in commands:
            self.commands.put(command)
        errors: list[BaseException] = []

        def paint() -> None:
            try:
                self.executor.run()
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=paint, name="device", daemon=True)
        thread.start()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the executor hangs"
        if errors:
            raise errors[0]

    def of(self, kind: type[R], job_id: int | None = None) -> list[R]:
        """The reports of one kind, in the order in which they came."""
        return [
            report
            for report in self.reports
            if isinstance(report, kind) and job_id in (None, getattr(report, "job_id", None))
        ]

    def _take(self, report: ExecutorReport) -> None:
        self.reports.append(report)
        self.watch(report)
        if isinstance(report, JobPainted | JobFailed | JobDropped):
            self._open -= 1
            if not self._open:
                self.commands.put(StopExecutor())


def noisy(width: int, height: int) -> Image.Image:
    """An RGB picture with something to see everywhere."""
    levels = np.random.default_rng(0).integers(0, 256, (height // 4 + 1, width // 4 + 1, 3))
    small = Image.fromarray(levels.astype(np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)
