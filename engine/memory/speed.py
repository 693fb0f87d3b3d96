"""How long a picture takes under a plan, relative to having everything resident.

A simple model: computing by a count of operations, transfers by the speed of the bus. It ranks
plans; the waiting times that members see are measured.
"""

from engine.memory.activations import TEXT_TOKENS, tokens
from engine.memory.components import Component, Role
from engine.memory.plan import ComponentPlacement, Plan, Residence, Stage
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
"""Time of a streamed call whose transfers are hidden (an estimate: hooks and waiting)."""
PAGEABLE = 0.4
"""Share of the bus's speed from RAM that isn't page-locked: the driver copies it to where it is
(Harris, "How to Optimize Data Transfers in CUDA C/C++", 2012: 2.3 of 5.7 GB/s), and nothing
overlaps."""
BY_LAYER = 0.5
"""Share of the bus's speed that sequential offload reaches: small transfers, each waited for."""


def seconds(request: PlanRequest, plan: Plan) -> float:
    """Device time of one picture with a new prompt, of a full batch."""
    steps = request.steps or request.family.num_inference_steps
    encoding = sum(_encode(request, plan, encoder) for encoder in request.encoders)
    stepping = sum(_steps(request, plan, denoiser, steps) for denoiser in request.denoisers)
    decoding = (
        DECODE_FLOPS * request.width * request.height / _speed(request, plan, plan.vae_float32)
    )
    if plan.tile_side:
        decoding /= (1 - plan.tile_overlap) ** 2
    layers = sum(_waiting(request, plan.places[decoder.name]) for decoder in request.decoders)
    return encoding + stepping + decoding + layers + _offload_transfers(request, plan)


def _speed(request: PlanRequest, plan: Plan, single: bool = False) -> float:
    slower = SINGLE_PRECISION if single or plan.dtype == "float32" else 1
    return request.device.flops / slower


def _flops(request: PlanRequest, component: Component) -> float:
    """Of one call for one picture: two per weight and token."""
    if component.role is Role.TEXT_ENCODER:
        return 2.0 * component.parameters * TEXT_TOKENS
    length = tokens(request.family, *request.size_at(Stage.STEP))
    rows = request.family.guidance_rows if request.guided else 1
    return 2.0 * component.parameters * length * rows * (UNET_SHARE if component.is_unet else 1)


def _computing(request: PlanRequest, plan: Plan, component: Component, batch: int) -> float:
    """Seconds of one call with all weights on the device."""
    method = plan.places[component.name].quantization
    overhead = (
        QUANTIZATION_METHODS[method].overhead if method and method in QUANTIZATION_METHODS else 1.0
    )
    return _flops(request, component) * batch * overhead / _speed(request, plan)


def _waiting(request: PlanRequest, place: ComponentPlacement) -> float:
    """Seconds of transfers in one call layer by layer, none of them hidden."""
    return place.weight_bytes / (BY_LAYER * _bus(request, place)) if place.layer_by_layer else 0.0


def _bus(request: PlanRequest, place: ComponentPlacement) -> float:
    """Bytes per second from RAM to the device."""
    return request.device.transfer_bytes_per_second * (1 if place.pinned else PAGEABLE)


def _encode(request: PlanRequest, plan: Plan, encoder: Component) -> float:
    """Seconds of a text encoder's one call, which is too short to hide a streamed transfer."""
    place = plan.places[encoder.name]
    computing = _computing(request, plan, encoder, 1)
    if place.residence is not Residence.STREAMED:
        return computing
    if place.layer_by_layer:
        return computing + _waiting(request, place)
    return computing * STREAMING + place.weight_bytes / _bus(request, place)


def _steps(request: PlanRequest, plan: Plan, denoiser: Component, steps: int) -> float:
    """Seconds of all steps, for one picture of a full batch.

    A streamed block is transferred while the block before it computes, if it comes from page-locked
    RAM. In the first step all blocks are transferred; in the others those that aren't resident.
    """
    place = plan.places[denoiser.name]
    computing = _computing(request, plan, denoiser, plan.batch)
    if place.residence is not Residence.STREAMED:
        return computing * steps / plan.batch
    if place.layer_by_layer:
        return (computing + _waiting(request, place)) * steps / plan.batch
    bus = _bus(request, place)
    block = place.weight_bytes * denoiser.streamed_block / denoiser.parameters
    streamed = place.weight_bytes - place.resident_bytes + 2 * block

    def call(nbytes: float) -> float:
        together = (computing * STREAMING, nbytes / bus)
        return (max if place.pinned else sum)(together) + block / bus

    first, others = call(place.weight_bytes), call(streamed)
    return (others * steps + (first - others)) / plan.batch


def _offload_transfers(request: PlanRequest, plan: Plan) -> float:
    """Seconds of transfers of offloaded components for one picture, if something replaces them."""
    moving = {
        name: place
        for name, place in plan.places.items()
        if place.residence is not Residence.RESIDENT
    }
    encoders = {c.name for c in request.encoders}
    return sum(
        place.weight_bytes / _bus(request, place)
        for name, place in moving.items()
        if place.residence is Residence.OFFLOADED and (name in encoders or len(moving) > 1)
    )


def slowdown(request: PlanRequest, plan: Plan, everything_resident: float) -> float:
    """Time under `plan` relative to `everything_resident`, to three decimals."""
    return round(seconds(request, plan) / everything_resident, 3)
