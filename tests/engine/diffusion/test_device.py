"""What a card says of itself, and what is taken of it."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from engine.diffusion.device import Device
from tests.engine.builders import engine_settings

GB = 10**9
CONTEXT = 400_000_000


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A stand-in for `torch.cuda`: what it is to say, and what it was asked to do."""
    said: dict[str, Any] = {
        "name": "NVIDIA GeForce RTX 3060",
        "capability": (8, 6),
        "free": 12 * GB - CONTEXT,
        "reserved": 0,
        "shares": [],
    }
    properties = SimpleNamespace(total_memory=12 * GB)
    for name, stand_in in {
        "is_available": lambda: True,
        "device_count": lambda: 2,
        "get_device_properties": lambda device: SimpleNamespace(
            name=said["name"], **vars(properties)
        ),
        "get_device_capability": lambda device: said["capability"],
        "mem_get_info": lambda device: (said["free"], properties.total_memory),
        "memory_reserved": lambda device: said["reserved"],
        "set_per_process_memory_fraction": lambda share, device: said["shares"].append(share),
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    return said


def test_no_more_is_taken_than_is_free_now(card: dict[str, Any]) -> None:
    """So that it fails and the next plan is tried, where a driver would let it spill into RAM."""
    device = Device.choose(engine_settings(device="cuda"))
    device.claim()
    card.update(free=3 * GB, reserved=4 * GB)  # a game was started meanwhile
    device.claim()
    first, second = card["shares"]
    assert first == pytest.approx((12 - 0.4 - 0.18) / 12, abs=0.001)
    assert second == pytest.approx((7 - 0.21) / 12, abs=0.001)


def test_the_limit_of_the_owner_is_kept(card: dict[str, Any]) -> None:
    device = Device.choose(engine_settings(device="cuda", memory_gb=6.0, reserve_gb=0.0))
    device.claim()
    assert card["shares"] == [0.5]
    assert device.facts().usable_bytes == 6 * GB


def test_a_desktop_on_the_card_is_left_room(card: dict[str, Any]) -> None:
    device = Device.choose(engine_settings(device="cuda"))
    headless = device.facts()
    card["free"] -= GB
    assert device.facts().reserve_bytes > headless.reserve_bytes
    assert Device.choose(engine_settings(device="cuda", reserve_gb=2.0)).facts().reserve_bytes == (
        2 * GB
    )
