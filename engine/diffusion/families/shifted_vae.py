"""Autoencoders whose latents are shifted and scaled to the variance that a flow starts from."""

from typing import Any, cast

import torch


def encoded(vae: Any, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A sample of the VAE's distribution, normalised.

    Args:
        vae: The autoencoder, on the device.
        pixels: -1 to 1, shape (1, 3, height, width).
        generator: Draws the sample.

    Returns:
        Latents of shape (1, channels, rows, columns).
    """
    latents = vae.encode(pixels).latent_dist.sample(generator)
    return cast(torch.Tensor, (latents - vae.config.shift_factor) * vae.config.scaling_factor)


def decoded(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Pixels in -1 to 1 from normalised latents of shape (1, channels, rows, columns)."""
    raw = latents / vae.config.scaling_factor + vae.config.shift_factor
    return cast(torch.Tensor, vae.decode(raw.to(vae.dtype), return_dict=False)[0])
