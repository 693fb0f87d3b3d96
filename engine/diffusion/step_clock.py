"""Times steps, and keeps the host at most one step ahead of a card.

A card takes work in and does it later: the host is ready with a step long before the card is. While
the card does one step the host prepares the next, so the card never runs dry; but no more than one,
or a cancelled job would go on for as many steps, and previews would show what isn't there yet.
Apple's GPU is waited for at each step.
"""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch

from engine.diffusion.card import card_of, wait_for

T = TypeVar("T")

MAX_AHEAD = 1
"""Steps that a card may have to do when the host prepares the next."""


@dataclass(frozen=True, slots=True)
class Timed(Generic[T]):
    """A step that is done: its seconds, and what was noted with it."""

    seconds: float
    note: T


class StepClock(Generic[T]):
    """The steps that a device has been given, the latest last."""

    def __init__(self, device: torch.device) -> None:
        """Time steps on `device`."""
        self._card = card_of(device)
        self._device = device
        self._begun: Any = None
        self._given: deque[tuple[Any, Any, T]] = deque()

    @contextmanager
    def timing(self) -> Iterator[None]:
        """The step that begins and is given to the device here; `given` comes next."""
        self._begun = self._now()
        yield

    def given(self, note: T) -> list[Timed[T]]:
        """The device has been given a step; returns those that it is known to have done.

        Waits until it has no more than `MAX_AHEAD` to do.
        """
        self._given.append((self._begun, self._now(), note))
        return self._done(0 if self._card is None else MAX_AHEAD)

    def drain(self) -> list[Timed[T]]:
        """Wait until all steps are done, and return them."""
        return self._done(0)

    def forget(self) -> None:
        """Don't time the steps that were given."""
        self._given.clear()

    def _now(self) -> Any:
        if self._card is None:
            wait_for(self._device)
            return time.monotonic()
        event = self._card.Event(enable_timing=True)
        event.record(self._card.current_stream(self._device))
        return event

    def _done(self, ahead: int) -> list[Timed[T]]:
        done = []
        while len(self._given) > ahead:
            begun, ended, note = self._given.popleft()
            if self._card is not None:
                ended.synchronize()
                seconds = begun.elapsed_time(ended) / 1000
            else:
                seconds = ended - begun
            done.append(Timed(seconds, note))
        return done
