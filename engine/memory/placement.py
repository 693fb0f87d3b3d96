"""A choice of rungs, laid out: where each component lives and what is on the device when."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.memory.activations import NUMBER_BYTES, decode_bytes, prompt_bytes, step_bytes
from engine.memory.components import Component, Role
from engine.memory.plan import ComponentPlacement, Offload, Plan, Quantization, Residence, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.quantization import applies, settle, weight_bytes

OVERLAP = 0.25
"""Share of a tile's side that overlaps the next, in all of Diffusers' autoencoders."""
SMALL_OVERLAP = 0.5
SMALL = 512
"""Pixels a side under which tiles overlap more, lest their seams show; not where the autoencoder's
own are as small."""

STAYS, VISITS, STREAMS = Residence.STAYS, Residence.VISITS, Residence.STREAMS


@dataclass(frozen=True, slots=True)
class PlacementScheme:
    """Where the text encoders, the denoiser and the VAE live; layer by layer or not."""

    encoders: Residence
    denoiser: Residence
    vae: Residence
    layer_by_layer: bool = False


RESIDENT = PlacementScheme(STAYS, STAYS, STAYS)
SEQUENTIAL = PlacementScheme(STREAMS, STREAMS, STREAMS, layer_by_layer=True)
_STREAMED = tuple(
    PlacementScheme(encoders, STREAMS, vae)
    for encoders in (VISITS, STREAMS)
    for vae in (STAYS, VISITS)
)
PLACEMENT_SCHEMES: dict[Offload, tuple[PlacementScheme, ...]] = {
    Offload.RESIDENT: (RESIDENT,),
    Offload.ENCODERS: (PlacementScheme(VISITS, STAYS, STAYS),),
    Offload.MODEL: (PlacementScheme(VISITS, VISITS, VISITS),),
    Offload.STREAM: _STREAMED[2:],
    Offload.SEQUENTIAL: (SEQUENTIAL,),
    Offload.AUTO: (
        RESIDENT,
        *(
            PlacementScheme(encoders, denoiser, vae)
            for encoders in (VISITS, STREAMS)
            for denoiser, vae in ((STAYS, STAYS), (VISITS, STAYS), (VISITS, VISITS))
        ),
        *_STREAMED,
        SEQUENTIAL,
    ),
}
"""The shapes that a wish allows. One is missing on purpose: a VAE that visits while the denoiser
stays would still be there at the next step, since nothing drives it away."""


@dataclass(frozen=True, slots=True)
class Rungs:
    """One combination of rungs.

    Attributes:
        shape: Where components live.
        denoiser: How the denoiser is quantized.
        encoders: How the text encoders are quantized.
        tile_side: Pixels a side of the VAE's tiles; 0 without.
        batch: The most pictures in one step.
    """

    shape: PlacementScheme = RESIDENT
    denoiser: Quantization | None = None
    encoders: Quantization | None = None
    tile_side: int = 0
    batch: int = 1


def place_components(case: PlanRequest, rungs: Rungs, usable: int) -> Plan:
    """The plan that `rungs` make; what streams keeps as many blocks resident as `usable` allows.

    A way to quantize whose weights cannot stream makes them visit, or stay. The plan may need more
    than `usable`. Its slowdown is not yet told.
    """
    number = NUMBER_BYTES[case.dtype]
    working = working_bytes(case, tile_side=rungs.tile_side, batch=rungs.batch)
    places: dict[str, ComponentPlacement] = {}
    for group, residence in (
        (case.encoders, rungs.shape.encoders),
        (case.denoisers, rungs.shape.denoiser),
        (case.decoders, rungs.shape.vae),
    ):
        for component in group:
            way = _way(component, rungs)
            wide = 4 if component.role is Role.VAE and case.vae_float32 else number
            weight = weight_bytes(component, wide, way)
            message_ref = settle(residence, way)
            places[component.name] = ComponentPlacement(
                residence=message_ref,
                weight_bytes=weight,
                resident_bytes=weight,
                quantization=way or component.stored_as,
            )
    for component in case.components:
        place = places[component.name]
        if place.residence is STREAMS:
            room = usable - _stays(places) - _while_there(case, component, places, working)
            places[component.name] = _stream(component, place, room, rungs.shape.layer_by_layer)
    return Plan(
        dtype=case.dtype,
        places=places,
        vae_tiling=bool(rungs.tile_side),
        vae_slicing=_slices(case, rungs.batch),
        vae_float32=case.vae_float32,
        tile_side=rungs.tile_side,
        tile_overlap=overlap(case, rungs.tile_side),
        batch=rungs.batch,
        weights=_weights(case, places),
        working=working,
    )


def _way(component: Component, rungs: Rungs) -> Quantization | None:
    if not applies(component):
        return None
    return rungs.denoiser if component.role is Role.DENOISER else rungs.encoders


def _slices(case: PlanRequest, batch: int) -> bool:
    """Whether pictures are decoded one by one: where there are several, unless the owner objects"""
    wish = case.memory_options.vae_slicing
    return batch > 1 if wish is None else wish


def working_bytes(case: PlanRequest, *, tile_side: int, batch: int) -> dict[Stage, int]:
    """Bytes besides weights, by stage: measured where it was, else estimated."""
    pictures = 1 if _slices(case, batch) else batch
    size = (case.width, case.height)
    number = NUMBER_BYTES[case.dtype]
    step_times = {
        Stage.ENCODE: max((prompt_bytes(encoder, number) for encoder in case.encoders), default=0),
        Stage.STEP: step_bytes(case.family, *size, batch, case.guided, number),
        Stage.DECODE: decode_bytes(
            case.family,
            *size,
            4 if case.vae_float32 else number,
            tile_side=tile_side,
            pictures=pictures,
        ),
    }
    working = {Stage.LOAD: 0}
    for stage, estimate in step_times.items():
        measured = case.profile.working(stage, case.dtype, tile_side, *size, batch)
        working[stage] = estimate if measured is None else measured
    return working


def overlap(case: PlanRequest, tile_side: int) -> float:
    """Share of its side by which a tile overlaps the next."""
    return SMALL_OVERLAP if tile_side < min(case.largest_tile, SMALL) else OVERLAP


def _stays(places: dict[str, ComponentPlacement]) -> int:
    return sum(place.weight_bytes for place in places.values() if place.residence is STAYS)


def _while_there(
    case: PlanRequest,
    component: Component,
    places: dict[str, ComponentPlacement],
    working: dict[Stage, int],
) -> int:
    """The most working memory while `component` is on the device.

    A denoiser lingers while pictures are decoded, unless the VAE is a visitor and drives it away.
    """
    if component in case.encoders:
        return working[Stage.ENCODE]
    if any(places[decoder.name].residence is not STAYS for decoder in case.decoders):
        return working[Stage.STEP]
    return max(working[Stage.STEP], working[Stage.DECODE])


def _stream(
    component: Component, place: ComponentPlacement, room: int, layer_by_layer: bool
) -> ComponentPlacement:
    """`place` with as many blocks resident as `room` bytes hold, or single layers."""
    number = place.weight_bytes / component.parameters
    block = int(component.streamed_block * number)
    outside = int(component.outside_blocks * number)
    if layer_by_layer:
        # The largest layer is an embedding or within the largest block.
        resident = min(place.weight_bytes, max(block, outside))
    else:
        least = outside + 2 * block
        if place.weight_bytes <= max(room, least):
            return _at(place, VISITS, place.weight_bytes)
        resident = least + max(0, (room - least) // block) * block
    return _at(place, STREAMS, resident, layer_by_layer)


def _at(
    place: ComponentPlacement, residence: Residence, resident: int, by_layer: bool = False
) -> ComponentPlacement:
    return ComponentPlacement(
        residence=residence,
        weight_bytes=place.weight_bytes,
        resident_bytes=resident,
        quantization=place.quantization,
        layer_by_layer=by_layer,
    )


def _weights(case: PlanRequest, places: dict[str, ComponentPlacement]) -> dict[Stage, int]:
    """Bytes of weights on the device, by stage.

    What stays is always there. Of the others the one called last is: the largest caller of the
    stage, or, when all callers of the stage stay, whatever visitor lingers; text encoders do not.
    """
    stays = _stays(places)

    def visitors(group: Sequence[Component]) -> int:
        found = (places[component.name] for component in group)
        return max((p.resident_bytes for p in found if p.residence is not STAYS), default=0)

    lingering = max(visitors(case.denoisers), visitors(case.decoders))
    return {
        Stage.LOAD: stays,
        Stage.ENCODE: stays + (visitors(case.encoders) or lingering),
        Stage.STEP: stays + (visitors(case.denoisers) or lingering),
        Stage.DECODE: stays + (visitors(case.decoders) or lingering),
    }
