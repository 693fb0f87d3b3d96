"""Painting within a mask, for families of the flow-matching kind: what is black is kept.

The denoiser knows nothing of masks: after each step, what is to be kept is laid over the latents
again, under as much noise as is left.
"""

from typing import cast

import torch
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

from engine.diffusion.families.base import InitImage
from engine.diffusion.families.stepped import LatentSample, Stepped, add_noise


class FlowInpainting(Stepped):
    """A family that can paint within a mask."""

    def laid_out(self, grid: torch.Tensor) -> torch.Tensor:
        """Values of shape (1, channels, rows, columns) as the scheduler takes them."""
        return grid

    def prepare(self, row: LatentSample, start: InitImage | None) -> None:
        """Bring the mask to the latents' size and shape, 1 where it is white."""
        if start is None or start.mask is None:
            return
        grid = self.as_grid(row.noise, row.recipe)
        mask = torch.nn.functional.interpolate(
            self._mask(start.mask, (row.recipe.height, row.recipe.width)), grid.shape[-2:]
        )
        row.own["mask"] = self.laid_out(mask.to(grid).expand_as(grid))

    def _mask(self, mask: Image.Image, size: tuple[int, int]) -> torch.Tensor:
        """0 and 1, shape (1, 1, height, width)."""
        processor = VaeImageProcessor(
            do_normalize=False, do_binarize=True, do_convert_grayscale=True
        )
        return cast(torch.Tensor, processor.preprocess(mask, *size))

    def settled(self, row: LatentSample, latents: torch.Tensor) -> torch.Tensor:
        """Lay what is to be kept over the latents, as noisy as they are."""
        mask = row.own.get("mask")
        if mask is None:
            return latents
        kept = row.source
        following = row.timesteps[row.step + 1 : row.step + 2]
        if len(following):
            kept = add_noise(row.scheduler, row.source, row.noise, following)
        return cast(torch.Tensor, (1 - mask) * kept + mask * latents)
