"""From a combination of rungs to a plan: where components live, and what is on the device when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.memory.activations import (
    CUBLAS_WORKSPACE,
    NUMBER_BYTES,
    decode_bytes,
    prompt_bytes,
    step_bytes,
)
from engine.memory.components import Component, Role
from engine.memory.pinning import pinned
from engine.memory.plan import ComponentPlacement, Offload, Plan, Quantization, Residence, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.quantization import can_quantize, nearest_residence, weight_bytes

OVERLAP = 0.25
"""Share of a tile's side that overlaps the next, in all of Diffusers' autoencoders."""
SMALL_OVERLAP = 0.5
SMALL = 512
"""Pixels a side below which tiles overlap more, so that seams don't show; not where the
autoencoder's own tiles are as small."""

LOWEST = 1 / 16
"""An eighth of a side's pixels and four times the channels."""
STAGES = {Role.TEXT_ENCODER: Stage.ENCODE, Role.DENOISER: Stage.STEP, Role.CONTROL: Stage.STEP}

RESIDENT, OFFLOADED, STREAMED = Residence.RESIDENT, Residence.OFFLOADED, Residence.STREAMED


@dataclass(frozen=True, slots=True)
class PlacementScheme:
    """Where the text encoders, the denoiser and the VAE live; layer by layer or not."""

    encoders: Residence
    denoiser: Residence
    vae: Residence
    layer_by_layer: bool = False


ALL_RESIDENT = PlacementScheme(RESIDENT, RESIDENT, RESIDENT)
SEQUENTIAL = PlacementScheme(STREAMED, STREAMED, STREAMED, layer_by_layer=True)
_STREAMED = tuple(
    PlacementScheme(encoders, STREAMED, vae)
    for encoders in (OFFLOADED, STREAMED)
    for vae in (RESIDENT, OFFLOADED)
)
PLACEMENT_SCHEMES: dict[Offload, tuple[PlacementScheme, ...]] = {
    Offload.RESIDENT: (ALL_RESIDENT,),
    Offload.ENCODERS: (PlacementScheme(OFFLOADED, RESIDENT, RESIDENT),),
    Offload.MODEL: (PlacementScheme(OFFLOADED, OFFLOADED, OFFLOADED),),
    Offload.STREAM: _STREAMED[2:],
    Offload.SEQUENTIAL: (SEQUENTIAL,),
    Offload.AUTO: (
        ALL_RESIDENT,
        *(
            PlacementScheme(encoders, denoiser, vae)
            for encoders in (OFFLOADED, STREAMED)
            for denoiser, vae in (
                (RESIDENT, RESIDENT),
                (OFFLOADED, RESIDENT),
                (OFFLOADED, OFFLOADED),
            )
        ),
        *_STREAMED,
        SEQUENTIAL,
    ),
}
"""The schemes that each setting allows. One is missing on purpose: a VAE that is offloaded while
the denoiser is resident would still be there at the next step, since nothing replaces it."""


@dataclass(frozen=True, slots=True)
class Rungs:
    """One combination of rungs.

    Attributes:
        scheme: Where components live.
        denoiser: How the denoiser is quantized.
        encoders: How the text encoders are quantized.
        tile_side: Pixels a side of the VAE's tiles; 0 without.
        batch: The most pictures in one step.
    """

    scheme: PlacementScheme = ALL_RESIDENT
    denoiser: Quantization | None = None
    encoders: Quantization | None = None
    tile_side: int = 0
    batch: int = 1


def place_components(request: PlanRequest, rungs: Rungs, usable: int) -> Plan:
    """The plan for `rungs`; what is streamed keeps as many blocks resident as `usable` allows.

    Quantized weights that can't be streamed are offloaded as a whole, or resident. The plan may
    need more than `usable`. Its slowdown isn't computed yet.
    """
    working = working_bytes(request, tile_side=rungs.tile_side, batch=rungs.batch)
    places: dict[str, ComponentPlacement] = {}
    for group, residence in (
        (request.encoders, rungs.scheme.encoders),
        (request.denoisers, rungs.scheme.denoiser),
        (request.decoders, rungs.scheme.vae),
    ):
        for component in group:
            method = _method(component, rungs)
            single = component.role is Role.VAE and request.vae_float32
            weight = weight_bytes(component, "float32" if single else request.dtype, method)
            places[component.name] = ComponentPlacement(
                residence=nearest_residence(residence, method),
                weight_bytes=weight,
                resident_bytes=weight,
                quantization=method or component.stored_as,
            )
    by_layer = rungs.scheme.layer_by_layer
    streamed = [
        (c, places[c.name]) for c in request.components if places[c.name].residence is STREAMED
    ]
    for component, place in streamed:
        stage = STAGES.get(component.role, Stage.DECODE)
        places[component.name] = (
            _layer_by_layer(component, place, working[stage] - CUBLAS_WORKSPACE)
            if by_layer
            else _stream(component, place, 0)
        )
    for component, place in streamed if not by_layer else ():
        used = _resident_bytes(places) + _working_beside(request, component, places, working)
        for together in (request.encoders, request.denoisers):
            if component in together:
                others = (c for c in together if c is not component)
                used += _visiting_bytes(others, places)
        places[component.name] = _stream(component, place, usable - used)
    return Plan(
        dtype=request.dtype,
        places=_pinned(request, places),
        vae_tiling=bool(rungs.tile_side),
        vae_float32=request.vae_float32,
        tile_side=rungs.tile_side,
        tile_overlap=overlap(request, rungs.tile_side),
        batch=rungs.batch,
        weights=_weights(request, places),
        working=working,
    )


def _method(component: Component, rungs: Rungs) -> Quantization | None:
    if not can_quantize(component):
        return None
    return rungs.denoiser if component.role is Role.DENOISER else rungs.encoders


def working_bytes(request: PlanRequest, *, tile_side: int, batch: int) -> dict[Stage, int]:
    """Bytes besides weights, by stage: measured if possible, else estimated."""
    number = NUMBER_BYTES[request.dtype]
    vae_dtype = "float32" if request.vae_float32 else request.dtype
    pictures = request.references * request.family.reference_tokens
    estimates = {
        Stage.ENCODE: max(
            (prompt_bytes(encoder, number, pictures) for encoder in request.encoders), default=0
        ),
        Stage.STEP: step_bytes(
            request.family,
            *request.size_at(Stage.STEP),
            batch,
            request.guided,
            number,
            controlled=request.controlled,
        ),
        Stage.DECODE: decode_bytes(
            request.family,
            *request.size_at(Stage.DECODE),
            NUMBER_BYTES[vae_dtype],
            tile_side=tile_side,
        ),
    }
    working = {Stage.LOAD: 0}
    for stage, estimate in estimates.items():
        dtype = vae_dtype if stage is Stage.DECODE else request.dtype
        size = request.size_at(stage)
        measured = request.profile.working(stage, dtype, tile_side, *size, batch)
        working[stage] = estimate if measured is None else measured
    return working


def overlap(request: PlanRequest, tile_side: int) -> float:
    """Share of its side by which a tile overlaps the next."""
    return SMALL_OVERLAP if tile_side < min(request.largest_tile, SMALL) else OVERLAP


def _pinned(
    request: PlanRequest, places: dict[str, ComponentPlacement]
) -> dict[str, ComponentPlacement]:
    """`places` with what is page-locked, which helps transfers to a card."""
    device = request.device
    return pinned(places, device.ram_free_bytes) if device.has_own_memory else places


def _resident_bytes(places: dict[str, ComponentPlacement]) -> int:
    return sum(place.weight_bytes for place in places.values() if place.residence is RESIDENT)


def _visiting_bytes(components: Iterable[Component], places: dict[str, ComponentPlacement]) -> int:
    """Bytes that these take beside the resident components while they work together."""
    found = [places[component.name] for component in components]
    visitors = [place for place in found if place.residence is not RESIDENT]
    passing = max((place.resident_bytes - place.idle_bytes for place in visitors), default=0)
    return passing + sum(place.idle_bytes for place in visitors)


def _working_beside(
    request: PlanRequest,
    component: Component,
    places: dict[str, ComponentPlacement],
    working: dict[Stage, int],
) -> int:
    """The most working memory while `component` is on the device.

    A denoiser stays while pictures are decoded, unless the VAE is offloaded and replaces it.
    """
    if component in request.encoders:
        return working[Stage.ENCODE]
    if any(places[decoder.name].residence is not RESIDENT for decoder in request.decoders):
        return working[Stage.STEP]
    return max(working[Stage.STEP], working[Stage.DECODE])


def _stream(component: Component, place: ComponentPlacement, free: int) -> ComponentPlacement:
    """`place` with as many blocks resident as fit in `free` bytes."""
    number = place.weight_bytes / component.parameters
    block = int(component.streamed_block * number)
    least = int(component.outside_blocks * number) + 2 * block
    if place.weight_bytes <= max(free, least):
        return replace(place, residence=OFFLOADED)
    return replace(place, resident_bytes=least + max(0, (free - least) // block) * block)


def _layer_by_layer(
    component: Component, place: ComponentPlacement, activations: int
) -> ComponentPlacement:
    """`place` with single layers, of which those count that are there at the peak.

    What is outside of blocks is an embedding, which meets nothing else, or as large a head, which
    meets the activations. A UNet's largest layers are
    at its lowest resolution, with `LOWEST` of the activations that those at the highest meet, and
    as many times their weights.
    """
    number = place.weight_bytes / component.parameters
    layer = int((component.largest_layer or component.streamed_block) * number)
    if component.is_unet:
        there = max(int(layer * LOWEST), layer - int(activations * (1 - LOWEST)))
    else:
        outside = int((component.outside_layer or component.outside_blocks) * number)
        there = max(outside - (0 if component.has_head else activations), layer)
    return replace(place, resident_bytes=min(place.weight_bytes, there), layer_by_layer=True)


def _weights(request: PlanRequest, places: dict[str, ComponentPlacement]) -> dict[Stage, int]:
    """Bytes of weights on the device, by stage.

    Resident components are always there. Of the others those that the stage calls are, all at once;
    or, if all that it calls are resident, what an earlier stage called, except for text encoders.
    """
    resident = _resident_bytes(places)

    def idle(group: Sequence[Component]) -> int:
        found = (places[component.name] for component in group)
        return sum(place.idle_bytes for place in found if place.residence is not RESIDENT)

    def beside(group: Sequence[Component], *others: Sequence[Component]) -> int:
        return _visiting_bytes(group, places) or max(map(idle, others))

    encoders, denoisers, decoders = request.encoders, request.denoisers, request.decoders
    return {
        Stage.LOAD: resident,
        Stage.ENCODE: resident + beside(encoders, denoisers, decoders),
        Stage.STEP: resident + beside(denoisers, decoders),
        Stage.DECODE: resident + beside(decoders, denoisers),
    }
