"""Where the painter waits until a test lets it go on."""

import threading

from tests.engine.hub.conftest import cache as cache
from tests.engine.hub.conftest import fox as fox
from tests.engine.hub.conftest import hub as hub
from tests.engine.hub.conftest import server as server


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
