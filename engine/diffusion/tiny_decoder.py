"""Previews by a tiny autoencoder (TAESD), clearer than those of a linear map."""

from pathlib import Path
from typing import Any, Self

import torch
from diffusers import AutoencoderTiny
from PIL import Image

from engine.diffusion.checked_loading import load_checked
from engine.diffusion.previews import MAX_SIDE
from engine.errors import ModelUnavailable
from speech import say


class TinyDecoder:
    """Decodes latents on their way, as the denoiser sees them, into small pictures."""

    def __init__(self, vae: Any) -> None:
        """Take an `AutoencoderTiny`."""
        self._vae = vae

    @classmethod
    def load(cls, folder: Path, device: torch.device, dtype: torch.dtype) -> Self:
        """The decoder in a folder, on the device; it takes about 5 MB there.

        Raises:
            ModelUnavailable: It can't be loaded, or lacks weights.
        """
        vae = load_checked(AutoencoderTiny, folder, _not_loaded, dtype=dtype)
        vae.encoder = None
        return cls(vae.to(device))

    @property
    def channels(self) -> int:
        """The latent channels that it takes."""
        return int(self._vae.config.latent_channels)

    def image(self, latents: torch.Tensor) -> Image.Image:
        """RGB of at most `MAX_SIDE` pixels a side, from latents of shape (channels, h, w).

        Larger latents are averaged first, so that it takes a few megabytes whatever their size.
        """
        rows, columns = latents.shape[-2:]
        factor = 2 ** (len(self._vae.config.decoder_block_out_channels) - 1)
        shrinking = max(1.0, max(rows, columns) * factor / MAX_SIDE)
        size = max(1, int(rows / shrinking)), max(1, int(columns / shrinking))
        latents = latents[None].to(self._vae.device, torch.float32)
        small = torch.nn.functional.interpolate(latents, size, mode="area").to(self._vae.dtype)
        pixels = self._vae.decode(small, return_dict=False)[0][0].float()
        levels = ((pixels / 2 + 0.5).nan_to_num().clamp(0, 1) * 255).round().to(torch.uint8)
        return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())


def _not_loaded(reason: str) -> ModelUnavailable:
    return ModelUnavailable(
        say("The decoder of previews couldn't be loaded: {reason}.", reason=reason)
    )
