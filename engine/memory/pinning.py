"""Which weights in RAM are page-locked: transfers are fast from there, and beside computing."""

from collections.abc import Mapping
from dataclasses import replace

from engine.memory.plan import ComponentPlacement, Plan, Residence
from engine.memory.quantization import QUANTIZATION_METHODS

SHARE = 0.9
"""Of the RAM that is free for models, for all weights: what is locked can't be swapped out."""

COST = 1.5
"""Page-locked memory is allocated in powers of two: 1 / ln 2 of what it holds on average."""

SELF_MOVING = frozenset(method for method, facts in QUANTIZATION_METHODS.items() if facts.library)
"""Weights of a library's own kind: they are more than their data (scales, quantization states), and
move by themselves."""

ORDER = (Residence.STREAMED, Residence.OFFLOADED, Residence.RESIDENT)
"""What is transferred at each step, for each picture, and only when models change."""


def pinned(
    places: Mapping[str, ComponentPlacement], ram_bytes: int
) -> dict[str, ComponentPlacement]:
    """`places` with as many components page-locked as `ram_bytes` allow, those moved most first."""

    def priority(name: str) -> tuple[int, int]:
        return ORDER.index(places[name].residence), -places[name].weight_bytes

    left = SHARE * ram_bytes - sum(place.weight_bytes for place in places.values())
    locked = set()
    for name in sorted(places, key=priority):
        cost = (COST - 1) * places[name].weight_bytes
        if places[name].quantization not in SELF_MOVING and cost <= left:
            left -= cost
            locked.add(name)
    return {name: replace(place, pinned=name in locked) for name, place in places.items()}


def taken_ram(plan: Plan) -> int:
    """Bytes of RAM that the weights take once they are loaded, page-locked ones as allocated."""
    locked = sum(place.weight_bytes for place in plan.places.values() if place.pinned)
    return plan.ram_bytes + int((COST - 1) * locked)
