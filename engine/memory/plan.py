"""The memory plan: where each part of a model lives, and what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Residence(StrEnum):
    """Where a component's weights live while its model is in use; RAM always has them.

    The values are part of stored measurements.
    """

    RESIDENT = "stays"
    """On the device, between jobs too."""
    OFFLOADED = "visits"
    """Moved to the device when called, and off it when another offloaded component is called; a
    text encoder already when the denoiser or the VAE is called."""
    STREAMED = "streams"
    """Block by block, just before each is called; the blocks that fit are offloaded as a whole."""


class Quantization(StrEnum):
    """Methods of storing weights in fewer bits; all of them change the picture slightly."""

    BNB8 = "bnb8"
    """bitsandbytes LLM.int8(), 8 bits (CUDA)."""
    NF4 = "nf4"
    """bitsandbytes NormalFloat4 (CUDA)."""
    INT8 = "int8"
    """torchao, int8 weights."""
    FLOAT8 = "float8"
    """torchao, float8 weights (CUDA with compute capability 8.9)."""
    FLOAT8_MATMUL = "float8mm"
    """torchao, float8 weights and activations, multiplied in float8 (CUDA with 8.9); the plan may
    choose it where `[engine] speed` isn't exact, no setting names it."""
    INT8_MATMUL = "int8mm"
    """The same in int8 (CUDA with 8.0)."""
    LAYERWISE = "layerwise"
    """Diffusers' layerwise casting: kept as float8, computed in half precision."""
    GGUF = "gguf"
    """As in the GGUF file; chosen by using such a file, never by the plan."""


class Offload(StrEnum):
    """The owner's setting for where weights are kept."""

    AUTO = "auto"
    """The fastest that fits."""
    RESIDENT = "resident"
    """All on the device."""
    ENCODERS = "encoders"
    """All on the device but the text encoders, which are offloaded."""
    MODEL = "model"
    """One component at a time."""
    STREAM = "stream"
    """The denoiser and the text encoders are streamed in blocks, with as many resident as fit."""
    SEQUENTIAL = "sequential"
    """Layer by layer, with nothing resident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryOptions:
    """The owner's settings; the planner decides the rest.

    Attributes:
        offload: Where weights are kept.
        quantize: For the denoiser: `never`, `if_needed` (the planner may choose), or a method.
        quantize_text_encoder: The same for the text encoders.
        vae_tiling: Whether the VAE decodes in tiles; `None` leaves it to the planner.
        dtype: `auto`, `float16`, `bfloat16` or `float32`.
        speed: `exact`, `close` or `quick`: how far pictures may differ for speed.
    """

    offload: Offload = Offload.AUTO
    quantize: str = "never"
    quantize_text_encoder: str = "never"
    vae_tiling: bool | None = None
    dtype: str = "auto"
    speed: str = "exact"

    @property
    def multiplies_quantized(self) -> bool:
        """Whether the planner may have matrices multiplied in fewer bits."""
        return self.speed != "exact" and self.quantize in ("never", "if_needed")


class Stage(StrEnum):
    """What a device does for a picture, in order; memory is planned and measured by stage."""

    LOAD = "load"
    """Resident weights are moved to the device."""
    ENCODE = "encode"
    """The text encoders encode the prompt."""
    STEP = "step"
    """The denoiser, for a batch."""
    DECODE = "decode"
    """The VAE, for one picture; encoding an init image takes half of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentPlacement:
    """Where one component lives.

    Attributes:
        residence: Resident, offloaded or streamed.
        weight_bytes: All of its weights as loaded.
        resident_bytes: What of them is on the device while it works, two blocks in flight
            included if it is streamed. The other resident blocks are offloaded as a whole.
        quantization: How its weights are stored, if not as the plan's dtype.
        layer_by_layer: If it is streamed: in single layers instead of blocks.
        pinned: Whether its weights in RAM are page-locked.
    """

    residence: Residence
    weight_bytes: int
    resident_bytes: int
    quantization: Quantization | None = None
    layer_by_layer: bool = False
    pinned: bool = False

    @property
    def idle_bytes(self) -> int:
        """What of its weights may stay on the device between two calls."""
        return 0 if self.layer_by_layer else self.resident_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way to run a model.

    Attributes:
        dtype: `float16`, `bfloat16` or `float32`.
        places: By component name, in the order of the stages.
        vae_tiling: Whether the VAE decodes in tiles.
        vae_float32: Whether the VAE works in float32 because its float16 overflows.
        tile_side: Pixels a side of a tile; 0 without tiling.
        tile_overlap: Share of its side by which a tile overlaps the next.
        batch: The most pictures in one step.
        weights: Expected bytes of weights on the device, by stage.
        working: Expected bytes of everything else there, by stage.
        slowdown: Expected time for a picture relative to having everything resident.
    """

    dtype: str
    places: Mapping[str, ComponentPlacement] = field(default_factory=dict)
    vae_tiling: bool = False
    vae_float32: bool = False
    tile_side: int = 0
    tile_overlap: float = 0.25
    batch: int = 1
    weights: Mapping[Stage, int] = field(default_factory=dict)
    working: Mapping[Stage, int] = field(default_factory=dict)
    slowdown: float = 1.0

    def dtype_of(self, stage: Stage) -> str:
        """What a stage computes in."""
        return "float32" if stage is Stage.DECODE and self.vae_float32 else self.dtype

    @property
    def peaks(self) -> dict[Stage, int]:
        """Expected bytes on the device, by stage."""
        return {stage: self.weights[stage] + self.working[stage] for stage in self.weights}

    @property
    def peak_bytes(self) -> int:
        """Expected peak on the device."""
        return max(self.peaks.values(), default=0)

    @property
    def ram_bytes(self) -> int:
        """The master weights in RAM."""
        return sum(place.weight_bytes for place in self.places.values())

    @property
    def changes_picture(self) -> bool:
        """Whether the plan, rather than the file, quantizes."""
        return any(
            place.quantization not in (None, Quantization.GGUF) for place in self.places.values()
        )

    @property
    def key(self) -> str:
        """A short name of all choices but the batch, under which measurements are stored.

        Such as `bfloat16·text_encoder visits·transformer streams 5.12`, in GB; resident components
        are left out.
        """
        parts = [self.dtype]
        parts += [
            f"{name} {words}" for name, place in self.places.items() if (words := _key(place))
        ]
        if self.vae_tiling:
            parts.append(f"tiles {self.tile_side}")
        return "·".join(parts)


def _key(place: ComponentPlacement) -> str:
    """A placement in up to three words; empty for a resident component that isn't quantized."""
    words = [] if place.residence is Residence.RESIDENT else [str(place.residence)]
    if place.layer_by_layer:
        words = ["by layer"]
    elif place.residence is Residence.STREAMED:
        words.append(f"{place.resident_bytes / 1e9:.2f}")
    return " ".join(words + ([place.quantization] if place.quantization else []))
