"""What a training step takes of memory, as it was counted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Footprint:
    """A step of a training, by its size.

    Attributes:
        lora: Numbers that are trained.
        working_bytes: The most that is alive at once besides weights: activations, and gradients.
        largest_layer: Numbers of the largest linear layer of the denoiser.
    """

    lora: int
    working_bytes: int
    largest_layer: int
