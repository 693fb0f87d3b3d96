"""Pictures that tile without a seam.

A convolution sees zeros beyond the edge of a picture. If it sees the opposite edge instead, the
picture has no edge: it continues from right to left, and from bottom to top.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

MARGIN = 16
"""Latent pixels of the opposite edges that are decoded along if the VAE works in tiles."""


@contextmanager
def circular_padding(network: torch.nn.Module) -> Iterator[None]:
    """Have the convolutions of `network` see the opposite edge, within this context."""
    convolutions = [each for each in network.modules() if isinstance(each, torch.nn.Conv2d)]
    before = [each.padding_mode for each in convolutions]
    for each in convolutions:
        each.padding_mode = "circular"
    try:
        yield
    finally:
        for each, mode in zip(convolutions, before, strict=True):
            each.padding_mode = mode


def decode_seamless(
    vae: Any, latents: torch.Tensor, decode: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """The decoded picture without a seam, shape (1, 3, height, width).

    In a VAE that decodes in tiles, circular padding would apply to each tile. Such a VAE decodes
    the latents with a margin of their opposite edges, which is cropped afterwards.

    Args:
        vae: The autoencoder behind `decode`.
        latents: Shape (1, channels, h, w).
        decode: From latents to pixels.
    """
    if not (vae.use_tiling and max(latents.shape[-2:]) > vae.tile_latent_min_size):
        with circular_padding(vae):
            return decode(latents)
    rows, columns = latents.shape[-2:]
    vertical, horizontal = min(MARGIN, rows), min(MARGIN, columns)
    margins = (horizontal, horizontal, vertical, vertical)
    padded = torch.nn.functional.pad(latents, margins, mode="circular")
    pixels = decode(padded)
    factor = pixels.shape[-1] // padded.shape[-1]
    top, left = vertical * factor, horizontal * factor
    return pixels[..., top : top + rows * factor, left : left + columns * factor]
