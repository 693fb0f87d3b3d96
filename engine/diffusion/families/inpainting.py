"""Painting within a mask, for the UNet families: what is black in the mask is kept.

A UNet of four input channels knows nothing of masks: after each step, what is to be kept is laid
over the latents again, under as much noise as is left. An inpainting UNet has nine input channels
and sees the mask and the picture without what it hides; it needs no such help.
"""

from typing import cast

import torch
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.families.stepped import LatentSample, Stepped
from engine.jobs.request import Recipe


class UNetInpainting(Stepped):
    """A family whose UNet paints within a mask, in the way that its in-channels ask for."""

    @property
    def _sees_masks(self) -> bool:
        return bool(self._pipe.unet.config.in_channels == 9)

    def begin(self, recipe: Recipe, start: InitImage | None = None) -> list[Sample]:
        """Encode the prompt once and make a row for each seed.

        An inpainting UNet that is asked for a whole picture gets a mask that hides all of it.
        """
        if self._sees_masks and (start is None or start.mask is None):
            size = (recipe.width, recipe.height)
            image = start.image if start else Image.new("RGB", size)
            start = InitImage(image, mask=Image.new("L", size, 255))
        return super().begin(recipe, start)

    def source(
        self, recipe: Recipe, start: InitImage, generator: torch.Generator
    ) -> torch.Tensor | None:
        """Latents of the picture, unless nothing of it shows through.

        They are laid out in memory as in Diffusers: another layout rounds otherwise.
        """
        if self._sees_masks and recipe.strength == 1:
            return None
        source = super().source(recipe, start, generator)
        return source.contiguous() if source is not None and start.mask else source

    def prepare(self, row: LatentSample, start: InitImage | None) -> None:
        """Bring the mask to the size of the latents, shape (1, 1, h, w), 1 where it is white.

        Diffusers encodes the picture without what the mask hides whether or not the UNet sees it.
        For one that does not, only the draw of the VAE's distribution is made: what a scheduler
        draws comes after it.
        """
        super().prepare(row, start)
        if start is None or start.mask is None:
            return
        if row.recipe.strength == 1:
            row.latents = row.noise * row.scheduler.init_noise_sigma
        mask = self._mask(start.mask, row.recipe)
        row.own["mask"] = torch.nn.functional.interpolate(mask, row.latents.shape[-2:]).to(
            row.latents
        )
        if self._sees_masks:
            pixels = self.pixels(start, row.recipe)
            kept = pixels * (mask < 0.5).to(pixels)
            row.own["kept"] = self.encode_picture(kept, row.recipe, row.generator)
        else:
            shape, dtype = row.latents.shape, self._pipe.vae.dtype
            torch.randn(shape, generator=row.generator, dtype=dtype)

    def _mask(self, mask: Image.Image, recipe: Recipe) -> torch.Tensor:
        """0 and 1, shape (1, 1, height, width)."""
        processor = VaeImageProcessor(
            vae_scale_factor=self._pipe.vae_scale_factor,
            do_normalize=False,
            do_binarize=True,
            do_convert_grayscale=True,
        )
        pixels = processor.preprocess(mask, height=recipe.height, width=recipe.width)
        return cast(torch.Tensor, pixels)

    def model_input(self, row: LatentSample, sample: torch.Tensor) -> torch.Tensor:
        """The sample, and for an inpainting UNet mask and kept latents in further channels."""
        if not self._sees_masks:
            return sample
        return torch.cat([sample, row.own["mask"], row.own["kept"]], dim=1)

    def settled(self, row: LatentSample, latents: torch.Tensor) -> torch.Tensor:
        """Lay what is to be kept over the latents, as noisy as they are."""
        if self._sees_masks or "mask" not in row.own:
            return latents
        kept = row.source
        following = row.timesteps[row.step + 1 : row.step + 2]
        if len(following):
            kept = row.scheduler.add_noise(kept, row.noise, following)
        mask = row.own["mask"]
        return cast(torch.Tensor, (1 - mask) * kept + mask * latents)
