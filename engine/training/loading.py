"""How a model is loaded to be trained on, and its VAE to paint samples beside it."""

from dataclasses import replace

from engine.memory.activations import decode_bytes
from engine.memory.components import Role
from engine.memory.device import DeviceFacts
from engine.memory.placement import PlacementScheme, Rungs, place_components
from engine.memory.plan import MemoryOptions, Plan, Quantization, Residence, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.quantization import weight_bytes
from engine.models.families import FAMILIES, FamilyFacts
from engine.models.inspection import Inspection

FLOAT32 = 4
SAMPLE_TILES = (0, 512, 256)
"""Tiles in which the VAE may decode a sample, pixels a side; 0 for none."""


def training_dtype(device: DeviceFacts) -> str:
    """What frozen weights are in, and what is computed in."""
    return "bfloat16" if device.has_own_memory else "float32"


def loading_plan(inspection: Inspection, device: DeviceFacts, side: int, *, quantize: bool) -> Plan:
    """Where components are until the pictures are encoded.

    Everything is in RAM and visits the device when it's used; text encoders that are too large for
    the device are streamed. The VAE is in float32.

    Args:
        inspection: What the model is made of.
        device: Where it is trained.
        side: Of a picture, pixels.
        quantize: Whether the denoiser is kept in four bits.
    """
    dtype = training_dtype(device)
    request = PlanRequest(
        components=inspection.components,
        family=FAMILIES[inspection.family or ""],
        device=device,
        memory_options=MemoryOptions(dtype=dtype),
        width=side,
        height=side,
        guided=False,
    )
    for encoders in (Residence.OFFLOADED, Residence.STREAMED):
        scheme = PlacementScheme(encoders, Residence.OFFLOADED, Residence.OFFLOADED)
        method = Quantization.NF4 if quantize else None
        plan = place_components(request, Rungs(scheme, denoiser=method), device.usable_bytes)
        if plan.peaks[Stage.ENCODE] <= device.usable_bytes or not device.has_own_memory:
            break
    places = {name: replace(place, pinned=False) for name, place in plan.places.items()}
    for part in inspection.components:
        if part.role is Role.VAE:
            nbytes = weight_bytes(part, "float32", None)
            places[part.name] = replace(
                places[part.name], weight_bytes=nbytes, resident_bytes=nbytes
            )
    return replace(plan, dtype=dtype, places=places, vae_float32=True)


def sample_tile(family: FamilyFacts, width: int, height: int, room: int) -> int:
    """The largest tile in which the VAE decodes a sample within `room` bytes; else the smallest.

    Args:
        family: Whose VAE.
        width: Of the sample, pixels.
        height: Of the sample, pixels.
        room: What the device has left for it.
    """
    fitting = (
        side
        for side in SAMPLE_TILES
        if decode_bytes(family, width, height, FLOAT32, tile_side=side) <= room
    )
    return next(fitting, SAMPLE_TILES[-1])
