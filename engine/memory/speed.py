"""How long a picture takes under a plan, relative to having everything resident.

A simple model: computing by a count of operations, transfers by the speed of the bus. It ranks
plans; the seconds that members are told are measured.
"""

from engine.memory.case import Case
from engine.memory.components import Component
from engine.memory.plan import Place, Plan, Residence, Stage
from engine.memory.quantizing import WAYS
from engine.memory.working import TEXT_TOKENS, tokens

UNET_SHARE = 0.1
"""Of the full resolution's cells that a weight of a UNet meets on average, most weights being at
an eighth of it: 0.8 of 7 Tflop for SD 1.5 at 512², 6 of 84 for SDXL at 1024²."""
DECODE_FLOPS = 9500
"""Per pixel of an SD decoder: 2.5 Tflop at 512²."""
SINGLE_PRECISION = 4
"""Float32 computes so many times slower than half precision on tensor cores (an estimate)."""
TILING = (1 / 0.75) ** 2
"""Tiles overlap by a quarter of their side, in all of Diffusers' autoencoders."""
STREAMING = 1.03
"""Time of a call in blocks whose transfer is hidden (an estimate: hooks and waiting)."""
BY_LAYER = 0.5
"""Share of the bus's speed that sequential offload reaches: small transfers, each waited for."""


def seconds(case: Case, plan: Plan) -> float:
    """Device time of one picture with a new prompt, of a full batch."""
    total = 0.0
    for encoder in case.encoders:
        total += _call(case, plan, encoder, _flops(case, encoder), 1)
    for denoiser in case.denoisers:
        steps = (case.steps or case.family.num_inference_steps) / len(case.denoisers)
        total += steps * _call(case, plan, denoiser, _flops(case, denoiser), plan.batch)
    decoding = DECODE_FLOPS * case.width * case.height / _speed(case, plan, plan.vae_float32)
    # The smaller the tile, the more often it is launched and blended.
    tiling = TILING * (1 + 0.02 * case.largest_tile / plan.tile_side) if plan.tile_side else 1.0
    total += decoding * tiling
    for decoder in case.decoders:
        place = plan.places[decoder.name]
        if place.layer_by_layer:
            total += place.weight_bytes / (BY_LAYER * case.device.transfer_bytes_per_second)
    return total + _visiting_bytes(case, plan) / case.device.transfer_bytes_per_second


def _speed(case: Case, plan: Plan, single: bool = False) -> float:
    slower = SINGLE_PRECISION if single or plan.dtype == "float32" else 1
    return case.device.flops / slower


def _flops(case: Case, component: Component) -> float:
    """Of one call for one picture: two per weight and token."""
    if component in case.encoders:
        return 2.0 * component.parameters * TEXT_TOKENS
    length = tokens(case.family, case.width, case.height)
    rows = case.family.guidance_rows if case.guided else 1
    return 2.0 * component.parameters * length * rows * (UNET_SHARE if component.is_unet else 1)


def _call(case: Case, plan: Plan, component: Component, flops: float, batch: int) -> float:
    """Seconds of one call, for each picture of the batch."""
    place = plan.places[component.name]
    way = WAYS.get(place.quantization) if place.quantization else None
    computing = flops * batch / _speed(case, plan) * (way.overhead if way else 1.0)
    bus = case.device.transfer_bytes_per_second
    if place.layer_by_layer:
        return (computing + place.weight_bytes / (BY_LAYER * bus)) / batch
    if place.residence is not Residence.STREAMS:
        return computing / batch
    block = place.weight_bytes * component.largest_block / component.parameters
    coming = place.weight_bytes - place.resident_bytes + 2 * block
    return (max(computing * STREAMING, coming / bus) + block / bus) / batch


def _visiting_bytes(case: Case, plan: Plan) -> int:
    """What comes to the device for one picture: visitors that something else has driven away."""
    visitors = {
        name: _visiting(case, place)
        for name, place in plan.places.items()
        if place.residence is not Residence.STAYS and not place.layer_by_layer
    }
    encoders = {c.name for c in case.encoders}
    return sum(
        size for name, size in visitors.items() if name in encoders or len(visitors) > 1
    )


def _visiting(case: Case, place: Place) -> int:
    """Bytes of one visit; of what streams, those blocks that stay during its calls."""
    return place.resident_bytes


def slowdown(case: Case, plan: Plan, everything_resident: float) -> float:
    """Time under `plan` relative to `everything_resident`, to three decimals."""
    return round(seconds(case, plan) / everything_resident, 3)


STAGES = (Stage.LOAD, Stage.ENCODE, Stage.STEP, Stage.DECODE)
