"""Transfers overlap with computing on the cards of every maker, and counters count there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from engine.diffusion.card import card_of, wait_for
from engine.diffusion.offload import transfers
from engine.diffusion.offload.transfers import start_transfer
from engine.diffusion.offload.usage import peak_bytes, reset_peak
from engine.diffusion.sending import sent


class Weights:
    """Weights whose copies are words."""

    def __init__(self, device: torch.device, heard: list[str]) -> None:
        self.device, self._heard = device, heard

    def empty_copies(self) -> list[str]:
        return ["copy"]

    def copy_to(self, copies: list[str]) -> None:
        self._heard.append("copy")


class Stream:
    """A stream that tells what it is asked."""

    def __init__(self, name: str, heard: list[str]) -> None:
        self.name, self._heard, self.device_index = name, heard, 1

    def wait_stream(self, other: "Stream") -> None:
        self._heard.append(f"{self.name} waits for {other.name}")

    def wait_event(self, event: "Event") -> None:
        self._heard.append(f"{self.name} waits for {event.after}")


class Event:
    """Something that is reached on a stream."""

    after = ""

    def record(self, stream: Stream) -> None:
        self.after = f"the end of {stream.name}"


@pytest.mark.parametrize("kind", ["cuda", "xpu"])
def test_a_card_copies_on_a_stream_of_its_own(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    heard: list[str] = []
    made: list[int] = []

    def stream(index: int) -> Stream:
        made.append(index)
        return Stream("copying", heard)

    @contextmanager
    def on(stream: Stream) -> Iterator[None]:
        heard.append(f"on {stream.name}")
        yield

    card = card_of(torch.device(kind))
    assert card is not None
    monkeypatch.setattr(card, "Stream", stream)
    monkeypatch.setattr(card, "Event", Event)
    monkeypatch.setattr(card, "stream", on)
    monkeypatch.setattr(card, "current_stream", lambda device: Stream("computing", heard))
    transfers._stream.cache_clear()
    weights: Any = Weights(torch.device(kind, 1), heard)
    for _ in range(2):
        transfer = start_transfer(weights)
        assert transfer.wait() == ["copy"]
    transfers._stream.cache_clear()
    assert made == [1], "one a card"
    assert heard[: len(heard) // 2] == [
        "copying waits for computing",
        "on copying",
        "copy",
        "computing waits for the end of copying",
    ]


@pytest.mark.parametrize("kind", ["cuda", "xpu"])
def test_a_card_counts_its_memory(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    device = torch.device(kind, 0)
    asked: list[torch.device] = []
    card = torch.get_device_module(kind)
    monkeypatch.setattr(card, "reset_peak_memory_stats", asked.append)
    monkeypatch.setattr(card, "synchronize", asked.append)
    monkeypatch.setattr(card, "max_memory_allocated", lambda device: 7)
    reset_peak(device)
    assert peak_bytes(device) == 7
    wait_for(device)
    assert asked == [device, device]


@pytest.mark.parametrize("kind", ["mps", "cpu"])
def test_where_memory_is_ram_there_is_nothing_to_count_or_to_overlap(kind: str) -> None:
    device = torch.device(kind)
    assert card_of(device) is None
    reset_peak(device)
    assert peak_bytes(device) is None
    numbers = torch.arange(3)
    assert sent(numbers, torch.device("cpu")) is numbers
