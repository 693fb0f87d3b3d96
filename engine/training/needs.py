"""What a training takes: bytes of the device, of RAM and of the disk, and time."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.memory.activations import (
    CUBLAS_WORKSPACE,
    NUMBER_BYTES,
    WORKSPACE,
    decode_bytes,
    encode_bytes,
    step_bytes,
)
from engine.memory.components import Component, Role
from engine.memory.device import DeviceFacts
from engine.memory.plan import Quantization, Stage
from engine.memory.quantization import QUANTIZATION_METHODS
from engine.models.families import FAMILIES
from engine.models.inspection import Inspection
from engine.models.model import Model
from engine.training.footprint import Footprint
from engine.training.loading import FLOAT32, loading_plan, sample_tile, training_dtype
from engine.training.request import Optimizer, TrainingRequest

STATE_BYTES: Mapping[Optimizer, int] = MappingProxyType(
    {Optimizer.ADAMW: 8, Optimizer.ADAMW8: 2, Optimizer.PRODIGY: 16}
)
"""Bytes of the state by number: two averages; in 8 bits; and with the first weights and the
distance from them."""

BACKWARD = 2
"""A backward pass takes twice the operations of a forward one (Kaplan et al., "Scaling Laws for
Neural Language Models", 2020, section 2.1)."""

FILE_BYTES = 2
"""Bytes of a number in the finished LoRA."""
PNG_BYTES = 2
"""Bytes of a pixel in a painted PNG, two thirds of what it takes unpacked (an estimate)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingBytes:
    """What is on the device while a step is done.

    Attributes:
        weights: Of the frozen denoiser, and of text encoders that are trained; on a CPU the VAE's
            too.
        lora: The LoRA's weights, gradients and average, and the optimizer's state.
        activations: What the backward pass needs of the forward one, and what both pass on.
        workspace: Of the libraries that multiply.
    """

    weights: int
    lora: int
    activations: int
    workspace: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.lora + self.activations + self.workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingNeeds:
    """What a training takes.

    Attributes:
        step: On the device, while a step is done.
        preparing: The most on the device while pictures and captions are encoded, bytes.
        sampling: The most on the device while a sample is painted, bytes; 0 without samples.
        ram: The most in RAM, bytes; on a CPU all of the above is, too.
        disk: In the training's folder in the end, pictures apart, bytes.
    """

    step: TrainingBytes
    preparing: int
    sampling: int
    ram: int
    disk: int

    @property
    def peak(self) -> int:
        """The most on the device, bytes."""
        return max(self.step.total, self.preparing, self.sampling)


def needs_of(
    request: TrainingRequest,
    model: Model,
    inspection: Inspection,
    device: DeviceFacts,
    footprint: Footprint,
) -> TrainingNeeds:
    """What a training takes on a device.

    Args:
        request: What is to be trained, and how.
        model: What it is trained on.
        inspection: What that is made of.
        device: Where.
        footprint: Of a step of one picture.
    """
    family = FAMILIES[inspection.family or ""]
    dtype = training_dtype(device)
    number = NUMBER_BYTES[dtype]
    own_memory = device.has_own_memory
    plan = loading_plan(inspection, device, request.side, quantize=request.quantize)
    [denoiser] = [part for part in inspection.components if part.role is Role.DENOISER]
    vae = sum(plan.places[p.name].weight_bytes for p in inspection.components if _is_vae(p))
    everything = plan.ram_bytes
    weights = plan.places[denoiser.name].weight_bytes + (0 if own_memory else vae)
    if request.text_encoder:
        encoders = (plan.places[each.name] for each in inspection.components if _is_encoder(each))
        weights += sum(place.weight_bytes for place in encoders)
    numbers = footprint.lora
    state = STATE_BYTES[request.optimizer]
    kept = numbers * (FLOAT32 * (2 if request.ema else 1) + state)
    gradients = numbers * FLOAT32
    activations = max(0, footprint.working_bytes - gradients) * request.batch
    if request.quantize:  # unpacked for each multiplication
        activations += footprint.largest_layer * number
    workspace = (WORKSPACE if denoiser.is_unet else CUBLAS_WORKSPACE) if own_memory else 0
    step = TrainingBytes(
        weights=weights,
        lora=kept + gradients,
        # The optimizer's own temporary, a copy of one average, when activations are gone.
        activations=max(activations, gradients),
        workspace=workspace,
    )
    preparing = max(
        plan.peaks[Stage.ENCODE], vae + encode_bytes(family, *_square(request), FLOAT32)
    )
    size = model.width, model.height
    sampling = 0
    if request.sample_prompts or request.class_pictures:
        there = weights + kept
        room = device.usable_bytes - there - (vae if own_memory else 0)
        tile = sample_tile(family, *size, room) if own_memory else 0
        decoding = decode_bytes(family, *size, FLOAT32, tile_side=tile)
        guided = model.guidance_scale > 1
        stepping = step_bytes(family, *size, 1, guided, number)
        sampling = there + max(stepping, decoding + (vae if own_memory else 0))
    if not own_memory:
        preparing = everything + max(plan.working[Stage.ENCODE], preparing - vae)
    return TrainingNeeds(
        step=step,
        preparing=preparing,
        sampling=sampling,
        ram=everything if own_memory else max(step.total, preparing, sampling),
        disk=_disk(request, size, numbers, kept),
    )


def _is_encoder(part: Component) -> bool:
    return part.role is Role.TEXT_ENCODER


def _is_vae(part: Component) -> bool:
    return part.role is Role.VAE


def _square(request: TrainingRequest) -> tuple[int, int]:
    return request.side, request.side


def _disk(request: TrainingRequest, size: tuple[int, int], numbers: int, kept: int) -> int:
    """Pictures that are painted, the checkpoint beside the one that it replaces, and the LoRA."""
    return _painted(request) * math.prod(size) * PNG_BYTES + 2 * kept + numbers * FILE_BYTES


def seconds_of(
    request: TrainingRequest,
    model: Model,
    family: str,
    measured: Mapping[tuple[int, int, int], float],
) -> tuple[float, float] | None:
    """Seconds of a step, and of the whole training with its samples.

    They follow from those of painting; `None` if nothing was measured.

    Args:
        request: What is to be trained, and how.
        model: What it is trained on.
        family: Its family.
        measured: Seconds of a step of painting by width and height in pixels, and pictures.
    """
    if not measured:
        return None
    rows = FAMILIES[family].guidance_rows if model.guidance_scale > 1 else 1
    passes = 1 + BACKWARD + request.checkpointing
    if request.class_pictures:
        passes += passes + 1  # once more without the LoRA
    shown = request.batch * request.accumulate
    slower = QUANTIZATION_METHODS[Quantization.NF4].overhead if request.quantize else 1.0
    step = _forward(measured, request.side**2, rows) * passes * shown * slower
    painted = _painted(request) * rows * model.num_inference_steps
    painting = _forward(measured, model.width * model.height, rows) * painted * slower
    return step, request.steps * step + painting


def _forward(measured: Mapping[tuple[int, int, int], float], pixels: int, rows: int) -> float:
    """Seconds of a forward pass for one row, by the measured size that is nearest."""
    (width, height, pictures), seconds = min(
        measured.items(), key=lambda each: abs(math.log(each[0][0] * each[0][1] / pixels))
    )
    return seconds / (pictures * rows) * pixels / (width * height)


def _painted(request: TrainingRequest) -> int:
    """Pictures that are painted on the way."""
    sheets = 2 + request.steps // request.sample_every
    return sheets * len(request.sample_prompts) + request.class_pictures
