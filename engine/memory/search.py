"""All plans that a request allows, the fastest first."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product

from engine.memory.placement import (
    ALL_RESIDENT,
    PLACEMENT_SCHEMES,
    PlacementScheme,
    Rungs,
    overlap,
    place_components,
    working_bytes,
)
from engine.memory.plan import Plan, Quantization, Residence, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.quantization import (
    QUANTIZATION_METHODS,
    best_methods,
    matmul_methods,
    why_unsupported,
)
from engine.memory.speed import seconds, slowdown

TILES = (512, 256)
"""Pixels a side of tiles smaller than the VAE's own; still smaller ones show their seams."""

UNCHANGED = 1.1
"""An unchanged picture is worth a tenth more time: quantizing has to gain more than that."""

NO_TILES = 2**16

Methods = Sequence[Quantization | None]


def candidates(request: PlanRequest, usable: int) -> list[Plan]:
    """Every plan that the settings allow and the device supports, the fastest first.

    Those that stream the denoiser only to decode without tiles come last.

    Streaming is laid out for `usable` bytes; apart from that, plans may not fit. A plan that
    quantizes counts as `UNCHANGED` times as slow. Of equally fast plans, larger batches come first,
    then no tiles or larger ones, then less streaming, which helps on a device that is faster than
    expected.
    """
    memory_options = request.memory_options
    return ranked(
        request,
        usable,
        [*_methods(memory_options.quantize, request), *_matmul_methods(request)],
        _methods(memory_options.quantize_text_encoder, request),
        range(request.batch, 0, -1),
    )


def ranked(
    request: PlanRequest, usable: int, denoiser: Methods, encoders: Methods, batches: Iterable[int]
) -> list[Plan]:
    """Every plan with one of these quantization methods, allowed or not, the fastest first."""
    found: dict[tuple[str, int], Plan] = {}
    resident = _resident_seconds(request)
    for combination in product(_schemes(request), denoiser, encoders, tile_sides(request)):
        for plan in _batches(request, usable, Rungs(*combination), batches):
            if (name := (plan.key, plan.batch)) not in found:
                found[name] = replace(plan, slowdown=slowdown(request, plan, resident))
    return sorted(
        found.values(), key=lambda plan: (_streams_to_decode(request, plan), *_rank(plan))
    )


def _batches(
    request: PlanRequest, usable: int, rungs: Rungs, batches: Iterable[int]
) -> Iterator[Plan]:
    """Plans for each of `batches`, larger ones first, as long as smaller ones matter.

    They don't once a larger one fits without streaming, unless measurements may advise against that
    one. If nothing is streamed and the weights alone are too large, one picture at a time is enough
    to consider.
    """
    for batch in batches:
        plan = place_components(request, replace(rungs, batch=batch), usable)
        if any(place.residence is Residence.STREAMED for place in plan.places.values()):
            yield plan
        elif max(plan.weights.values()) > usable:
            yield place_components(request, replace(rungs, batch=1), usable)
            return
        else:
            yield plan
            if plan.peak_bytes <= usable and not request.profile.measurements:
                return


def _streams_to_decode(request: PlanRequest, plan: Plan) -> bool:
    """Whether the denoiser streams at every step so that one decoding, often a guess, fits."""
    streams = any(plan.places[d.name].residence is Residence.STREAMED for d in request.denoisers)
    tiles = any(tile_sides(request)) and not plan.tile_side
    return streams and tiles and plan.peaks[Stage.DECODE] > plan.peaks[Stage.STEP]


def _rank(plan: Plan) -> tuple[float, float, int, int, int, int, int]:
    price = UNCHANGED if plan.changes_picture else 1.0
    tiles = -plan.tile_side if plan.tile_side else -NO_TILES
    moving = [p for p in plan.places.values() if p.residence is not Residence.RESIDENT]
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


def altered(request: PlanRequest, plan: Plan, *, batch: int, tile_side: int) -> Plan:
    """`plan` with another batch or other tiles; all weights stay where they are."""
    changed = replace(
        plan,
        batch=batch,
        vae_tiling=bool(tile_side),
        tile_side=tile_side,
        tile_overlap=overlap(request, tile_side),
        working=working_bytes(request, tile_side=tile_side, batch=batch),
    )
    return replace(changed, slowdown=slowdown(request, changed, _resident_seconds(request)))


def _resident_seconds(request: PlanRequest) -> float:
    """Seconds of a picture with everything on the device and nothing quantized."""
    return seconds(request, place_components(request, Rungs(), 0))


def _schemes(request: PlanRequest) -> Iterable[PlacementScheme]:
    """The schemes to try: without memory of its own there is nothing to move."""
    return (
        PLACEMENT_SCHEMES[request.memory_options.offload]
        if request.device.has_own_memory
        else (ALL_RESIDENT,)
    )


def tile_sides(request: PlanRequest) -> list[int]:
    """The tiles to try, larger ones first; 0 is none.

    A tile as large as the picture changes nothing, so it's tried only if the owner wants tiles.
    """
    if request.memory_options.vae_tiling is False:
        return [0]
    own = request.largest_tile
    smaller = [
        side for side in (own, *TILES) if side <= own and side < max(request.width, request.height)
    ]
    sides = list(dict.fromkeys(smaller))
    return (sides or [own]) if request.memory_options.vae_tiling else [0, *sides]


def _methods(setting: str, request: PlanRequest) -> Methods:
    """The quantization methods that the setting allows and the device supports."""
    if setting == "never" or setting not in ("if_needed", *QUANTIZATION_METHODS):
        return [None]
    if setting == "if_needed":
        return [None, *best_methods(request.device)]
    method = Quantization(setting)
    return [None] if why_unsupported(method, request.device) else [method]


def _matmul_methods(request: PlanRequest) -> Methods:
    """How matrices may be multiplied in fewer bits; a UNet has too few for it to pay."""
    whole = any(denoiser.is_unet or denoiser.stored_as for denoiser in request.denoisers)
    if whole or not request.memory_options.multiplies_quantized:
        return []
    return matmul_methods(request.device)
