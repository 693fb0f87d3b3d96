"""Pictures that can be laid side by side without a seam, like tiles.

A convolution sees zeros beyond the edge of a picture. When it sees the opposite edge instead, the
picture has no edge: left goes on to the right, and top to bottom.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

MARGIN = 16
"""Latent cells of the opposite edge that are decoded with a picture whose VAE works in tiles."""


@contextmanager
def circular_padding(network: torch.nn.Module) -> Iterator[None]:
    """Have the convolutions of `network` see the opposite edge inside of it."""
    padded = [each for each in network.modules() if isinstance(each, torch.nn.Conv2d)]
    before = [each.padding_mode for each in padded]
    for each in padded:
        each.padding_mode = "circular"
    try:
        yield
    finally:
        for each, mode in zip(padded, before, strict=True):
            each.padding_mode = mode


def decode_seamless(
    vae: Any, latents: torch.Tensor, decode: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """What `decode` makes of latents that have no edge, shape (1, 3, height, width).

    A VAE that decodes a large picture in tiles would give each tile no edge: it gets the picture
    with a margin of its opposite edges, which is cut off afterwards.

    Args:
        vae: The autoencoder behind `decode`.
        latents: Shape (1, channels, h, w).
        decode: From latents to pixels.
    """
    if not (vae.use_tiling and max(latents.shape[-2:]) > vae.tile_latent_min_size):
        with circular_padding(vae):
            return decode(latents)
    rows, columns = latents.shape[-2:]
    above, beside = min(MARGIN, rows), min(MARGIN, columns)
    surrounded = torch.nn.functional.pad(latents, (beside, beside, above, above), mode="circular")
    pixels = decode(surrounded)
    factor = pixels.shape[-1] // surrounded.shape[-1]
    top, left = above * factor, beside * factor
    return pixels[..., top : top + rows * factor, left : left + columns * factor]
