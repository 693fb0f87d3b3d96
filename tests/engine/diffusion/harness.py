"""A painter on its thread, driven by its inbox as the worker drives it, and all that it reports."""

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from engine.diffusion import make_executor
from engine.worker.messages import (
    ExecutorCommand,
    ExecutorReport,
    JobDropped,
    JobFailed,
    JobPainted,
    StopExecutor,
)
from tests.engine.builders import engine_settings

R = TypeVar("R")

PATIENCE = 30.0
"""Seconds until a painter that does not end is taken for stuck."""


class Harness:
    """Runs orders to their end.

    `watch` is called with each report, in the painter's thread and between two steps: what it puts
    in the inbox comes in exactly there, whatever the machine's speed.
    """

    def __init__(self, *, batch_size: int = 4, previews: bool = False, **settings_too: Any) -> None:
        self.inbox: queue.SimpleQueue[ExecutorCommand] = queue.SimpleQueue()
        self.reports: list[ExecutorReport] = []
        self.watch: Callable[[ExecutorReport], None] = lambda report: None
        settings = engine_settings(batch_size=batch_size, previews=previews, **settings_too)
        self.executor = make_executor(settings, self.inbox, self._take)
        self._open = 0

    def run(self, *orders: ExecutorCommand, jobs: int) -> None:
        """Paint until so many jobs are over; a painter that breaks or hangs fails the test."""
        self._open = jobs
        for order in orders:
            self.inbox.put(order)
        errors: list[BaseException] = []

        def paint() -> None:
            try:
                self.executor.run()
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=paint, name="painter", daemon=True)
        thread.start()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the painter hangs"
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
                self.inbox.put(StopExecutor())
