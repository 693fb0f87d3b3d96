"""How long a picture takes under a plan, relative to having everything resident.

A simple model: computing by a count of operations, transfers by the speed of the bus. It ranks
plans; the seconds that members are told are measured.
"""

from engine.memory.activations import TEXT_TOKENS, tokens
from engine.memory.components import Component, Role
from engine.memory.plan import ComponentPlacement, Plan, Residence
from engine.memory.plan_request import PlanRequest
from engine.memory.quantization import QUANTIZATION_METHODS

UNET_SHARE = 0.1
"""Of the full resolution's cells that a weight of a UNet meets on average, most weights being at
an eighth of it: 0.8 of 7 Tflop for SD 1.5 at 512², 6 of 84 for SDXL at 1024²."""
DECODE_FLOPS = 9.5e6
"""Per pixel of an SD decoder: 2.5 Tflop at 512²."""
SINGLE_PRECISION = 4
"""Float32 computes so many times slower than half precision on tensor cores (an estimate)."""
STREAMING = 1.03
"""Time of a call in blocks whose transfer is hidden (an estimate: hooks and waiting)."""
BY_LAYER = 0.5
"""Share of the bus's speed that sequential offload reaches: small transfers, each waited for."""


def seconds(case: PlanRequest, plan: Plan) -> float:
    """Device time of one picture with a new prompt, of a full batch."""
    steps = case.steps or case.family.num_inference_steps
    reading = sum(_read(case, plan, encoder) for encoder in case.encoders)
    stepping = sum(_steps(case, plan, denoiser, steps) for denoiser in case.denoisers)
    decoding = DECODE_FLOPS * case.width * case.height / _speed(case, plan, plan.vae_float32)
    if plan.tile_side:
        decoding /= (1 - plan.tile_overlap) ** 2
    layers = sum(_waiting(case, plan.places[decoder.name]) for decoder in case.decoders)
    return reading + stepping + decoding + layers + _visits(case, plan)


def _speed(case: PlanRequest, plan: Plan, single: bool = False) -> float:
    slower = SINGLE_PRECISION if single or plan.dtype == "float32" else 1
    return case.device.flops / slower


def _flops(case: PlanRequest, component: Component) -> float:
    """Of one call for one picture: two per weight and token."""
    if component.role is Role.TEXT_ENCODER:
        return 2.0 * component.parameters * TEXT_TOKENS
    length = tokens(case.family, case.width, case.height)
    rows = case.family.guidance_rows if case.guided else 1
    return 2.0 * component.parameters * length * rows * (UNET_SHARE if component.is_unet else 1)


def _computing(case: PlanRequest, plan: Plan, component: Component, batch: int) -> float:
    """Seconds of one call with all weights at hand."""
    way = plan.places[component.name].quantization
    overhead = QUANTIZATION_METHODS[way].overhead if way and way in QUANTIZATION_METHODS else 1.0
    return _flops(case, component) * batch * overhead / _speed(case, plan)


def _waiting(case: PlanRequest, place: ComponentPlacement) -> float:
    """Seconds of transfers in one call layer by layer, none of which is hidden."""
    bus = BY_LAYER * case.device.transfer_bytes_per_second
    return place.weight_bytes / bus if place.layer_by_layer else 0.0


def _read(case: PlanRequest, plan: Plan, encoder: Component) -> float:
    """Seconds of a text encoder's one call, too short to hide the transfer of what streams."""
    place = plan.places[encoder.name]
    computing = _computing(case, plan, encoder, 1)
    if place.residence is not Residence.STREAMS:
        return computing
    if place.layer_by_layer:
        return computing + _waiting(case, place)
    coming = place.weight_bytes / case.device.transfer_bytes_per_second
    return computing * STREAMING + coming


def _steps(case: PlanRequest, plan: Plan, denoiser: Component, steps: int) -> float:
    """Seconds of all steps, for one picture of a full batch.

    What streams comes while the block before it computes. In the first step all blocks come, those
    that stay too; in the others those that do not stay.
    """
    place = plan.places[denoiser.name]
    computing = _computing(case, plan, denoiser, plan.batch)
    if place.residence is not Residence.STREAMS:
        return computing * steps / plan.batch
    if place.layer_by_layer:
        return (computing + _waiting(case, place)) * steps / plan.batch
    bus = case.device.transfer_bytes_per_second
    block = place.weight_bytes * denoiser.streamed_block / denoiser.parameters
    coming = place.weight_bytes - place.resident_bytes + 2 * block
    first, others = (
        max(computing * STREAMING, size / bus) + block / bus
        for size in (place.weight_bytes, coming)
    )
    return (others * steps + (first - others)) / plan.batch


def _visits(case: PlanRequest, plan: Plan) -> float:
    """Seconds for visitors to come for one picture, if something else drives them away."""
    moving = {
        name: place for name, place in plan.places.items() if place.residence is not Residence.STAYS
    }
    encoders = {c.name for c in case.encoders}
    coming = sum(
        place.weight_bytes
        for name, place in moving.items()
        if place.residence is Residence.VISITS and (name in encoders or len(moving) > 1)
    )
    return coming / case.device.transfer_bytes_per_second


def slowdown(case: PlanRequest, plan: Plan, everything_resident: float) -> float:
    """Time under `plan` relative to `everything_resident`, to three decimals."""
    return round(seconds(case, plan) / everything_resident, 3)
