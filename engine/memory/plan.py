"""The memory plan: where each part of a model lives, and what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Residence(StrEnum):
    """Where the weights of a component live while its model is in use; RAM has them always."""

    STAYS = "stays"
    """On the device, between jobs too."""
    VISITS = "visits"
    """Comes to the device when it is called and leaves when another visitor is."""
    STREAMS = "streams"
    """Block by block, just before each is called; some of its blocks may stay."""


class Quantization(StrEnum):
    """Ways to store weights in fewer bits; all of them change the picture a little."""

    BNB8 = "bnb8"
    """bitsandbytes LLM.int8(), 8 bits (CUDA)."""
    NF4 = "nf4"
    """bitsandbytes NormalFloat4 (CUDA)."""
    INT8 = "int8"
    """torchao, int8 weights."""
    FLOAT8 = "float8"
    """torchao, float8 weights (CUDA with compute capability 8.9)."""
    LAYERWISE = "layerwise"
    """Diffusers' layerwise casting: kept as float8, computed in half precision."""
    GGUF = "gguf"
    """As the GGUF file has it; chosen by giving such a file, never by the plan."""


class Offload(StrEnum):
    """What the owner says about where weights wait."""

    AUTO = "auto"
    """The fastest that fits."""
    RESIDENT = "resident"
    """All on the card."""
    ENCODERS = "encoders"
    """All but the text encoders, which visit."""
    MODEL = "model"
    """One component at a time."""
    STREAM = "stream"
    """The denoiser and the text encoders in blocks, with as many resident as fit."""
    SEQUENTIAL = "sequential"
    """Layer by layer, nothing resident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the owner has decided; the planner decides the rest.

    Attributes:
        offload: Where weights wait.
        quantize: For the denoiser: `never`, `if_needed` (the planner may choose any), or one way.
        quantize_text_encoder: The same for the text encoders.
        vae_tiling: Whether the VAE decodes in tiles; `None` leaves it to the planner.
        vae_slicing: Whether the VAE takes pictures one by one; `None` leaves it to the planner.
        dtype: `auto`, `float16`, `bfloat16` or `float32`.
    """

    offload: Offload = Offload.AUTO
    quantize: str = "never"
    quantize_text_encoder: str = "never"
    vae_tiling: bool | None = None
    vae_slicing: bool | None = None
    dtype: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one component lives.

    Attributes:
        residence: Stays, visits or streams.
        weight_bytes: All of its weights as loaded.
        resident_bytes: What of them is on the device while it works, two blocks in flight
            included when it streams.
        quantization: How its weights are stored, if not as the plan's dtype.
        layer_by_layer: When it streams: in single layers instead of blocks.
    """

    residence: Residence
    weight_bytes: int
    resident_bytes: int
    quantization: Quantization | None = None
    layer_by_layer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way to run a model.

    Attributes:
        dtype: `float16`, `bfloat16` or `float32`.
        places: By component name.
        vae_tiling: Whether the VAE decodes in tiles.
        vae_slicing: Whether the VAE takes pictures one by one.
        batch: The most pictures in one step.
        peak_bytes: Expected peak on the device.
        slowdown: Expected time for a picture relative to having everything resident.
    """

    dtype: str
    places: Mapping[str, Place] = field(default_factory=dict)
    vae_tiling: bool = False
    vae_slicing: bool = False
    batch: int = 1
    peak_bytes: int = 0
    slowdown: float = 1.0
