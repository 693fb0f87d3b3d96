"""Timing steps that a card does later than it is given them."""

from itertools import count

import pytest
import torch

from engine.diffusion.step_clock import StepClock


@pytest.mark.parametrize("kind", ["cuda", "xpu"])
def test_a_card_is_one_step_behind_and_its_steps_are_timed_by_its_own_events(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    numbers = count()
    waited: list[int] = []

    class Event:
        def __init__(self, **_: object) -> None:
            self.number = next(numbers)

        def record(self, stream: object) -> None:
            pass

        def synchronize(self) -> None:
            waited.append(self.number)

        def elapsed_time(self, end: "Event") -> float:
            return 1000.0 * (end.number - self.number) + end.number

    card = torch.get_device_module(kind)
    monkeypatch.setattr(card, "Event", Event)
    monkeypatch.setattr(card, "current_stream", lambda device: None)
    clock: StepClock[str] = StepClock(torch.device(kind, 0))

    def step(note: str) -> list[tuple[float, str]]:
        with clock.timing():
            pass
        return [(one.seconds, one.note) for one in clock.given(note)]

    assert step("first") == []
    assert step("second") == [(1.001, "first")]
    assert step("third") == [(1.003, "second")]
    assert waited == [1, 3]
    assert [(one.seconds, one.note) for one in clock.drain()] == [(1.005, "third")]
    step("lost")
    clock.forget()
    assert clock.drain() == []


def test_apples_gpu_is_waited_for_when_a_step_begins_and_when_it_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[str] = []
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    clock: StepClock[int] = StepClock(torch.device("mps"))
    with clock.timing():
        pass
    [done] = clock.given(1)
    assert done.note == 1
    assert waited == ["mps", "mps"]


def test_elsewhere_a_step_is_done_when_it_was_given() -> None:
    clock: StepClock[int] = StepClock(torch.device("cpu"))
    with clock.timing():
        pass
    [done] = clock.given(7)
    assert done.note == 7
    assert done.seconds >= 0
    assert clock.drain() == []
