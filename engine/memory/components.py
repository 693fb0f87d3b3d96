"""What a model is made of, as the memory plan sees it."""

from dataclasses import dataclass
from enum import StrEnum

from engine.memory.plan import Quantization

GRAIN = 16
"""Streamed blocks are at most one part in so many, if the module can be divided so finely."""


class Role(StrEnum):
    """What a component does for a picture; it decides when it must be on the device."""

    TEXT_ENCODER = "text encoder"
    """Once for each new prompt."""
    DENOISER = "denoiser"
    """At every step."""
    CONTROL = "control"
    """With the denoiser, for pictures that are painted along a map."""
    VAE = "VAE"
    """Once at the end, and at the beginning if there is an init image."""
    OTHER = "other"
    """A safety checker or an image encoder: with the VAE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part of a pipeline that has weights.

    Attributes:
        name: As in the pipeline's `model_index.json`, such as `text_encoder_2`.
        role: What it does.
        class_name: Its class in Diffusers or Transformers.
        parameters: How many numbers it has.
        stored_bytes: Bytes of its weights on disk.
        largest_block: Parameters of its largest repeated block, the least that streaming must hold.
            Of a UNet those within its stages count, such as `up_blocks.0.attentions.1`.
        outside_blocks: Parameters outside of its repeated blocks (embeddings, the last norm), which
            stay on the device while the blocks are streamed.
        largest_layer: Parameters of the largest single layer within its blocks; 0 if unknown.
        outside_layer: Parameters of the largest single layer outside of them; 0 if unknown.
        linear_share: Share of its parameters in `nn.Linear` layers, which is what quantization
            shrinks; `None` if unknown.
        float32_parameters: Of T5's feed-forward layers: they aren't quantized, and stay in float32
            where the rest is in float16, in which they overflow (huggingface/transformers#20287).
        adapter_bytes: Bytes of the LoRAs that are loaded into it, as they are on the device.
        stored_as: How its weights are quantized in the file, if they are; they stay so.
        force_upcast: Of a VAE: what its config says, or Diffusers' default; SDXL's float16
            overflows, and its pipeline then decodes in float32 (the “fp16-fix” ones say `false`).
        tile_side: Of a VAE: pixels a side of the tiles that it was trained for, the most that a
            tile may have: `sample_size` of an AutoencoderKL, 512 of an AutoencoderDC, 256 of
            Qwen-Image's.
        fixed: Whether its weights stay as they were loaded, never quantized.
    """

    name: str
    role: Role
    class_name: str
    parameters: int
    stored_bytes: int
    largest_block: int
    outside_blocks: int = 0
    largest_layer: int = 0
    outside_layer: int = 0
    linear_share: float | None = None
    float32_parameters: int = 0
    adapter_bytes: int = 0
    stored_as: Quantization | None = None
    force_upcast: bool = True
    tile_side: int = 512
    fixed: bool = False

    @property
    def has_head(self) -> bool:
        """Whether it is a language model that is called with its last layer, as Qwen2.5-VL is."""
        return self.class_name.endswith(("ForConditionalGeneration", "ForCausalLM"))

    @property
    def is_unet(self) -> bool:
        """Whether most of its weights are convolutions at falling resolution."""
        return self.class_name.startswith(("UNet", "ControlNet"))

    @property
    def streamed_block(self) -> int:
        """Parameters of the largest block that streams.

        A UNet's parts are taken together up to `GRAIN`; a transformer's come as they are repeated.
        """
        finest = self.parameters // GRAIN
        return finest if self.is_unet else min(self.largest_block, finest)
