"""What the planner is asked: which model, on which device, for which pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from engine.memory.activations import size_at
from engine.memory.components import Component, Role
from engine.memory.device import DeviceFacts
from engine.memory.plan import MemoryOptions, Stage
from engine.memory.precision import safe_dtype
from engine.memory.profiles import ModelProfile
from engine.models.families import FamilyFacts, Noise

ANY_FAMILY = FamilyFacts(
    label="another kind",
    pipelines=(),
    text_encoders=(),
    denoiser="transformer",
    noise=Noise.FLOW,
    dtype="float16",
    side=1024,
    multiple_of=16,
    num_inference_steps=28,
    guidance_scale=5.0,
)
"""Used as the family of a pipeline that runs whole."""

ANY_TRANSFORMER = replace(ANY_FAMILY, dtype="bfloat16")
"""The same, of one with a transformer: those were trained in bfloat16, and many overflow in
float16."""


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """A model, a device, and the pictures to paint.

    Attributes:
        components: What the model is made of.
        family: The facts of its family; `ANY_FAMILY` if it runs whole.
        device: Where it runs.
        memory_options: The owner's settings.
        width: Of a picture, pixels.
        height: Of a picture, pixels.
        batch: The most pictures in one step.
        guided: Whether pictures have a second, unconditional row.
        steps: Denoising steps of a picture; 0 for the family's default.
        references: Reference pictures beside each picture.
        controlled: Whether pictures are painted along a map.
        profile: What was measured of this model on this device.
    """

    components: Sequence[Component]
    family: FamilyFacts
    device: DeviceFacts
    memory_options: MemoryOptions = field(default_factory=MemoryOptions)
    width: int
    height: int
    batch: int = 1
    guided: bool = True
    steps: int = 0
    references: int = 0
    controlled: bool = False
    profile: ModelProfile = field(default_factory=ModelProfile)

    def with_adapters(self, nbytes: Mapping[str, int]) -> "PlanRequest":
        """This request with so many bytes of LoRAs loaded, by component."""
        components = (replace(c, adapter_bytes=nbytes.get(c.name, 0)) for c in self.components)
        return replace(self, components=tuple(components))

    def size_at(self, stage: Stage) -> tuple[int, int]:
        """The size under which such pictures are measured at a stage; see `activations.size_at`."""
        return size_at(stage, self.width, self.height, self.references, self.controlled)

    @cached_property
    def encoders(self) -> tuple[Component, ...]:
        """The text encoders."""
        return tuple(c for c in self.components if c.role is Role.TEXT_ENCODER)

    @cached_property
    def denoisers(self) -> tuple[Component, ...]:
        """The denoiser, and the networks that control it."""
        return tuple(c for c in self.components if c.role in (Role.DENOISER, Role.CONTROL))

    @cached_property
    def decoders(self) -> tuple[Component, ...]:
        """The VAE and what works on finished pictures."""
        return tuple(c for c in self.components if c.role in (Role.VAE, Role.OTHER))

    @cached_property
    def largest_tile(self) -> int:
        """Pixels a side of the largest tile that the VAE may take."""
        return min((c.tile_side for c in self.decoders if c.role is Role.VAE), default=512)

    @cached_property
    def dtype(self) -> str:
        """What weights are computed in."""
        overflowed = self.profile.overflowed(Stage.STEP)
        return safe_dtype(self.family, self.device, self.memory_options.dtype, overflowed)

    @cached_property
    def vae_float32(self) -> bool:
        """Whether the VAE has to work in float32."""
        if self.dtype in self.profile.overflowed(Stage.DECODE):
            return True
        overflows = any(c.role is Role.VAE and c.force_upcast for c in self.decoders)
        return self.family.upcasts_vae and self.dtype == "float16" and overflows
