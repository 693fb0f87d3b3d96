"""What a card says of itself, and what is taken of it."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers.utils import torch_utils

from engine.diffusion.device import Device
from engine.memory.plan import Quantization
from engine.memory.quantization import why_unsupported
from tests.engine.builders import engine_settings

GB = 10**9
CONTEXT = 400_000_000

number_of = torch.cuda._utils._get_device_index
"""What torch's own functions ask for the number of a card; it raises where there is none."""


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A stand-in for `torch.cuda`: what it is to say, and what it was asked to do."""
    said: dict[str, Any] = {
        "name": "NVIDIA GeForce RTX 3060",
        "capability": (8, 6),
        "free": 12 * GB - CONTEXT,
        "reserved": 0,
        "shares": [],
        "chosen": [],
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
        "set_device": lambda device: said["chosen"].append(number_of(device)),
        "set_per_process_memory_fraction": lambda share, device: said["shares"].append(
            number_of(device) is not None and share
        ),
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    return said


@pytest.mark.parametrize(("name", "number"), [("auto", 0), ("cuda", 0), ("cuda:1", 1)])
def test_a_card_without_a_number_is_the_first(
    card: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    monkeypatch.setattr(torch, "set_float32_matmul_precision", lambda precision: None)
    device = Device.choose(engine_settings(device=name))
    device.select()
    device.claim()
    assert card["chosen"] == [device.name.index] == [number]
    assert len(card["shares"]) == 1


def test_no_more_is_taken_than_is_free_now(card: dict[str, Any]) -> None:
    """So that it fails and the next plan is tried, where a driver would let it spill into RAM."""
    device = Device.choose(engine_settings(device="cuda"))
    device.claim()
    card.update(free=3 * GB, reserved=4 * GB)  # a game was started meanwhile
    device.claim()
    first, second = card["shares"]
    assert first == pytest.approx((12 - 0.4) / 12, abs=0.001)
    assert second == pytest.approx(7 / 12, abs=0.001)


def test_what_is_taken_of_a_card_is_what_all_programs_have(card: dict[str, Any]) -> None:
    card.update(free=3 * GB, reserved=4 * GB)
    told = Device.choose(engine_settings(device="cuda:1")).memory()
    assert (told.name, told.used_bytes, told.total_bytes) == ("cuda:1", 9 * GB, 12 * GB)


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


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"cuda": 1, "xpu": 1, "mps": 0}, "cuda"),
        ({"cuda": 0, "xpu": 1, "mps": 0}, "xpu"),
        ({"cuda": 0, "xpu": 0, "mps": 1}, "mps"),
        ({"cuda": 0, "xpu": 0, "mps": 0}, "cpu"),
    ],
)
def test_auto_takes_the_gpu_that_there_is(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, int], expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: found["cuda"])
    monkeypatch.setattr(torch.xpu, "device_count", lambda: found["xpu"])
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: bool(found["mps"]))
    device = Device.choose(engine_settings(device="auto"))
    assert device.name.type == expected
    assert device.has_own_memory is (expected in ("cuda", "xpu"))


@pytest.mark.parametrize(
    ("name", "capability", "hip", "facts"),
    [
        ("NVIDIA GeForce RTX 2060", (7, 5), None, (False, True, (7, 5))),
        ("NVIDIA GeForce GTX 1650", (7, 5), None, (False, False, (7, 5))),
        ("AMD Radeon RX 6700 XT", (10, 3), "6.4", (True, True, None)),
        ("AMD Instinct MI50", (9, 0), "6.4", (True, True, None)),
    ],
)
def test_amds_numbers_are_not_taken_for_nvidias(
    card: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    capability: tuple[int, int],
    hip: str | None,
    facts: tuple[bool, bool, object],
) -> None:
    monkeypatch.setattr(torch.version, "hip", hip)
    card.update(name=name, capability=capability)
    said = Device.choose(engine_settings(device="cuda")).facts()
    assert (said.bf16, said.float16, said.compute_capability) == facts
    if hip:
        assert why_unsupported(Quantization.FLOAT8, said) == (
            f"float8 needs an NVIDIA card, which {name} isn't"
        )


def test_an_intel_card_has_memory_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, stand_in in {
        "device_count": lambda: 1,
        "get_device_properties": lambda device: SimpleNamespace(name="Intel Arc B580"),
        "mem_get_info": lambda device: (11 * GB, 12 * GB),
        "memory_reserved": lambda device: 0,
        "is_bf16_supported": lambda including_emulation: True,
    }.items():
        monkeypatch.setattr(torch.xpu, name, stand_in)
    shares: list[float] = []
    monkeypatch.setattr(
        torch.xpu, "set_per_process_memory_fraction", lambda share, device: shares.append(share)
    )
    Device.choose(engine_settings(device="xpu", memory_gb=6)).claim()
    assert shares == [6e9 / (12 * GB)]
    said = Device.choose(engine_settings(device="xpu")).facts()
    assert (said.kind, said.name, said.bf16, said.float16) == ("xpu", "Intel Arc B580", True, True)
    assert said.has_own_memory
    assert said.usable_bytes < 11 * GB


@pytest.mark.parametrize("has_fp64", [True, False])
def test_positions_are_in_single_precision_on_a_card_without_double(
    monkeypatch: pytest.MonkeyPatch, has_fp64: bool
) -> None:
    """Intel's first Arc cards refuse float64, in which Diffusers computes positions."""
    properties = SimpleNamespace(name="Intel Arc A770", has_fp64=has_fp64)
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 1)
    monkeypatch.setattr(torch.xpu, "set_device", lambda device: None)
    monkeypatch.setattr(torch.xpu, "get_device_properties", lambda device: properties)
    table = torch_utils._DTYPE_UNSUPPORTED_DEVICES
    monkeypatch.setitem(table, torch.float64, table[torch.float64])
    Device.choose(engine_settings(device="xpu")).select()
    for kind, expected in {"xpu": has_fp64, "mps": False, "cuda": True}.items():
        dtype = torch_utils.maybe_adjust_dtype_for_device(torch.float64, torch.device(kind))
        assert (dtype is torch.float64) is expected, kind


def test_apples_memory_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda major, minor: False)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 5 * GB)
    emptied: list[str] = []
    monkeypatch.setattr(torch.mps, "empty_cache", lambda: emptied.append("cache"))
    device = Device.choose(engine_settings(device="mps"))
    device.release()
    assert emptied == ["cache"]
    assert not device.facts().bf16, "before macOS 14"
    assert device.facts().free_bytes <= 5 * GB


def test_apples_memory_has_the_owners_limit_and_what_metal_advises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shares: list[float] = []
    for name, stand_in in {
        "recommended_max_memory": lambda: 5 * GB,
        "set_per_process_memory_fraction": shares.append,
    }.items():
        monkeypatch.setattr(torch.mps, name, stand_in)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda major, minor: True)
    for limit in (None, 2.0, 64.0):
        Device.choose(engine_settings(device="mps", memory_gb=limit)).claim()
    assert shares == [1.0, 2e9 / (5 * GB), 1.0]
    facts = Device.choose(engine_settings(device="mps", memory_gb=0.5, reserve_gb=0.1)).facts()
    assert (facts.free_bytes, facts.usable_bytes) == (500_000_000, 400_000_000)
    assert facts.bf16


def test_libraries_that_take_the_current_card_take_the_chosen_one(
    card: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As bitsandbytes does when it quantizes."""
    chosen: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    precision = torch.get_float32_matmul_precision()
    try:
        Device.choose(engine_settings(device="cuda:1")).select()
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(precision)
    assert chosen == [torch.device("cuda:1")]
