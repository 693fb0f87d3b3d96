"""What is page-locked: part by part, within a share of RAM, and the speed that follows."""

from dataclasses import replace

import pytest

from engine.memory.device import DeviceFacts
from engine.memory.pinning import pinned
from engine.memory.plan import ComponentPlacement, MemoryOptions, Offload, Quantization, Residence
from engine.memory.planner import choose
from tests.engine.memory.models import GB, plan_request


def place(
    residence: Residence, weight: int, quantization: Quantization | None = None
) -> ComponentPlacement:
    return ComponentPlacement(
        residence=residence,
        weight_bytes=weight,
        resident_bytes=weight,
        quantization=quantization,
    )


PLACES = {
    "small": place(Residence.OFFLOADED, 2),
    "large": place(Residence.OFFLOADED, 20),
    "denoiser": place(Residence.STREAMED, 40),
    "resident": place(Residence.RESIDENT, 2),
    "quantized": place(Residence.OFFLOADED, 2, Quantization.NF4),
    "multiplied": place(Residence.RESIDENT, 2, Quantization.INT8_MATMUL),
}


@pytest.mark.parametrize(
    ("ram", "locked"),
    [
        (0, set()),
        (82, {"small", "resident"}),
        (92, {"large", "small", "resident"}),
        (102, {"denoiser", "small", "resident"}),
        (1000, {"denoiser", "large", "small", "resident"}),
    ],
)
def test_what_is_moved_most_is_locked_as_far_as_ram_allows(ram: int, locked: set[str]) -> None:
    found = pinned(PLACES, ram)
    assert {name for name, place in found.items() if place.pinned} == locked


def test_streaming_from_ram_that_is_not_locked_counts_as_slower() -> None:
    streaming = MemoryOptions(offload=Offload.STREAM)
    slowdowns = [
        choose(
            plan_request(
                "flux",
                memory_options=streaming,
                device=replace(DeviceFacts.imagined(12 * GB), ram_free_bytes=ram * GB),
            )
        ).plan.slowdown
        for ram in (34, 60, 120)
    ]
    assert slowdowns[0] > slowdowns[1] > 0
    assert slowdowns[1] >= slowdowns[2]
