"""A kind of input, and the run that tries it."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

SLOWEST = 0.5
"""Seconds of the processor that one input may take; nearly all take less than a hundredth."""


class Target(NamedTuple):
    """Something that reads inputs, and what must hold for all of them.

    Attributes:
        name: What is tried.
        inputs: The inputs.
        check: Raises anything when an input is not handled as documented.
    """

    name: str
    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]


class Tally:
    """What was tried of a target."""

    def __init__(self) -> None:
        self.inputs = 0
        self.slowest = 0.0
        self.slowest_input: Any = None

    def add(self, value: Any, seconds: float) -> None:
        """Count an input, which took that long."""
        self.inputs += 1
        if seconds > self.slowest:
            self.slowest, self.slowest_input = seconds, value


def run(target: Target, examples: int, tally: Tally, number: int | None = None) -> None:
    """Try that many inputs.

    Args:
        target: What to try.
        examples: How many inputs.
        tally: Counts them.
        number: Chooses the inputs; always the same ones if `None`.

    Raises:
        Exception: Whatever the check raised, for the simplest input that makes it.
        AssertionError: An input took more than `SLOWEST`.
    """

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=number is None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def attempt(value: Any) -> None:
        begun = time.process_time()
        target.check(value)
        seconds = time.process_time() - begun
        tally.add(value, seconds)
        assert seconds < SLOWEST, f"takes {seconds:.2f} s"

    (attempt if number is None else seed(number)(attempt))()
