"""What a model is made of, as the memory plan sees it."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a component does for a picture; it decides when it must be on the device."""

    TEXT_ENCODER = "text encoder"
    """Once for each new prompt."""
    DENOISER = "denoiser"
    """At every step."""
    VAE = "VAE"
    """Once at the end, and at the start of a picture that starts from another."""
    OTHER = "other"
    """A safety checker, an image encoder: with the VAE."""


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
    """

    name: str
    role: Role
    class_name: str
    parameters: int
    stored_bytes: int
    largest_block: int
