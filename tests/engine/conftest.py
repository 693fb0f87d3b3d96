"""What the engine's tests share."""

import multiprocessing
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.hub.conftest import cache as cache
from tests.engine.hub.conftest import fox as fox
from tests.engine.hub.conftest import hub as hub
from tests.engine.hub.conftest import server as server


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Tiny tensors are slower on two threads than on one."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that have torch from the start; importing it takes seconds."""
    context = multiprocessing.get_context("fork")
    monkeypatch.setattr("engine.processes.child_process.CONTEXT", context)


class Gate:
    """Where the painter waits, before a step, while the gate is shut."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_open = True
        self._permits = 0
        self.reached = threading.Event()

    def shut(self) -> None:
        with self._changed:
            self.reached.clear()
            self._is_open, self._permits = False, 0

    def open(self) -> None:
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def let_through(self, steps: int) -> None:
        """Let so many steps through the shut gate."""
        with self._changed:
            self._permits += steps
            self._changed.notify_all()

    def wait(self) -> None:
        with self._changed:
            self.reached.set()
            passes = self._changed.wait_for(lambda: self._is_open or self._permits, 30)
            assert passes, "the test has forgotten to open the gate"
            self._permits -= not self._is_open


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A gate that every step of a Stable Diffusion pipeline goes through; it is open."""
    from engine.diffusion.families.stepped import Stepped

    gate = Gate()
    step = Stepped.step

    def guarded(self: Stepped, samples: Any, on_step_end: Any) -> None:
        gate.wait()
        step(self, samples, on_step_end)

    monkeypatch.setattr(Stepped, "step", guarded)
    yield gate
    gate.open()
