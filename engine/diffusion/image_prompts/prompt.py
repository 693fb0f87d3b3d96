"""The pictures that a sample is shown, as a UNet's cross-attentions take them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

KeyValue = tuple[torch.Tensor, torch.Tensor]
"""Keys and values of the tokens of some pictures, each of shape (1, tokens, channels)."""


@dataclass(frozen=True, slots=True)
class ShownPictures:
    """Pictures of one kind and weight: one attention over all of them.

    Attributes:
        scales: What the attention's result is multiplied with, by the attention's name; those that
            aren't there don't see the pictures.
        positive: By the attention's name.
        negative: The same of no picture, for the negative prompt; empty without guidance.
    """

    scales: Mapping[str, float]
    positive: Mapping[str, KeyValue]
    negative: Mapping[str, KeyValue]


@dataclass(frozen=True, slots=True)
class ImagePrompt:
    """All pictures that a sample is shown."""

    shown: Sequence[ShownPictures]

    def row(self, *, negative: bool) -> "Row":
        """What one row of a batch attends to."""
        return tuple(
            (each.scales, each.negative if negative else each.positive) for each in self.shown
        )


Row = tuple[tuple[Mapping[str, float], Mapping[str, KeyValue]], ...]
"""Scales, and keys and values, by the attention's name; empty for a row without pictures."""
