"""All plans that a case allows, the fastest first."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product

from engine.memory.placement import (
    PLACEMENT_SCHEMES,
    RESIDENT,
    PlacementScheme,
    Rungs,
    overlap,
    place_components,
    working_bytes,
)
from engine.memory.plan import Plan, Quantization, Residence
from engine.memory.plan_request import PlanRequest
from engine.memory.quantization import QUANTIZATION_METHODS, best_methods, why_unsupported
from engine.memory.speed import seconds, slowdown

TILES = (512, 256)
"""Pixels a side of tiles smaller than the VAE's own; still smaller ones show their seams."""

UNCHANGED = 1.1
"""An unchanged picture is worth a tenth more time: only what gains more is quantized unasked."""

NO_TILES = 2**16

Methods = Sequence[Quantization | None]


def candidates(case: PlanRequest, usable: int) -> list[Plan]:
    """Every plan that the wishes allow and the device can run, the fastest first.

    What streams is laid out for `usable` bytes; nothing else looks at whether a plan fits. One
    that quantizes counts as `UNCHANGED` times as slow. Of plans equally fast those of larger
    batches come first, then those without tiles or with larger ones, then those that stream less,
    which a card faster than expected would feel.
    """
    memory_options = case.memory_options
    return ranked(
        case,
        usable,
        _ways(memory_options.quantize, case),
        _ways(memory_options.quantize_text_encoder, case),
        range(case.batch, 0, -1),
    )


def ranked(
    case: PlanRequest, usable: int, denoiser: Methods, encoders: Methods, batches: Iterable[int]
) -> list[Plan]:
    """Every plan with one of these ways to quantize, allowed or not, the fastest first."""
    found: dict[tuple[str, int], Plan] = {}
    resident = _resident_seconds(case)
    for combination in product(_shapes(case), denoiser, encoders, tile_sides(case)):
        for plan in _batches(case, usable, Rungs(*combination), batches):
            if (name := (plan.key, plan.batch)) not in found:
                found[name] = replace(plan, slowdown=slowdown(case, plan, resident))
    return sorted(found.values(), key=_rank)


def _batches(
    case: PlanRequest, usable: int, rungs: Rungs, batches: Iterable[int]
) -> Iterator[Plan]:
    """`rungs` laid out for each of `batches`, larger ones first, as long as a smaller one matters.

    It does not once a larger one fits that streams nothing, unless measurements may yet speak
    against that one. Where nothing streams and the weights alone are too large, one picture says
    all there is to say.
    """
    for batch in batches:
        plan = place_components(case, replace(rungs, batch=batch), usable)
        if any(place.residence is Residence.STREAMS for place in plan.places.values()):
            yield plan
        elif max(plan.weights.values()) > usable:
            yield place_components(case, replace(rungs, batch=1), usable)
            return
        else:
            yield plan
            if plan.peak_bytes <= usable and not case.profile.measurements:
                return


def _rank(plan: Plan) -> tuple[float, float, int, int, int, int, int]:
    price = UNCHANGED if plan.changes_picture else 1.0
    tiles = -plan.tile_side if plan.tile_side else -NO_TILES
    moving = [p for p in plan.places.values() if p.residence is not Residence.STAYS]
    streamed = sum(p.weight_bytes - p.resident_bytes for p in moving)
    return (
        plan.slowdown * price,
        price,
        -plan.batch,
        tiles,
        streamed,
        len(moving),
        plan.peak_bytes,
    )


def altered(case: PlanRequest, plan: Plan, *, batch: int, tile_side: int) -> Plan:
    """`plan` with another batch or other tiles: everything lives where it did."""
    other = replace(
        plan,
        batch=batch,
        vae_tiling=bool(tile_side),
        tile_side=tile_side,
        tile_overlap=overlap(case, tile_side),
        working=working_bytes(case, tile_side=tile_side, batch=batch),
    )
    return replace(other, slowdown=slowdown(case, other, _resident_seconds(case)))


def _resident_seconds(case: PlanRequest) -> float:
    """Seconds of a picture with everything on the device and nothing quantized."""
    return seconds(case, place_components(case, Rungs(), 0))


def _shapes(case: PlanRequest) -> Iterable[PlacementScheme]:
    """Only a CUDA device has memory apart from RAM, from which weights could stay away."""
    return (
        PLACEMENT_SCHEMES[case.memory_options.offload]
        if case.device.kind == "cuda"
        else (RESIDENT,)
    )


def tile_sides(case: PlanRequest) -> list[int]:
    """The tiles to try, larger ones first; 0 is none.

    A tile as large as the picture changes nothing, so it is tried only where the owner insists.
    """
    if case.memory_options.vae_tiling is False:
        return [0]
    own = case.largest_tile
    smaller = [
        side for side in (own, *TILES) if side <= own and side < max(case.width, case.height)
    ]
    sides = list(dict.fromkeys(smaller))
    return (sides or [own]) if case.memory_options.vae_tiling else [0, *sides]


def _ways(wish: str, case: PlanRequest) -> Methods:
    """The ways that a wish allows and the device can."""
    if wish == "never" or wish not in ("if_needed", *QUANTIZATION_METHODS):
        return [None]
    if wish == "if_needed":
        return [None, *best_methods(case.device)]
    way = Quantization(wish)
    return [None] if why_unsupported(way, case.device) else [way]
