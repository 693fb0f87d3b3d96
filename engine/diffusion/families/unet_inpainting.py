"""Inpainting for the UNet families.

A UNet of four input channels doesn't see masks: after each step, what the mask keeps is put back
into the latents. An inpainting UNet has nine input channels and sees the mask and the masked image;
nothing needs to be put back.
"""

from collections.abc import Sequence

import torch
from PIL import Image

from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.families.latent_sample import LatentSample
from engine.diffusion.families.masks import binary_mask
from engine.diffusion.families.stepped import Stepped
from engine.jobs.recipe import Recipe


class UNetInpainting(Stepped):
    """A family whose UNet inpaints, in the way that its input channels ask for."""

    @property
    def _sees_masks(self) -> bool:
        """Whether this is an inpainting UNet."""
        return bool(self._pipe.unet.config.in_channels == 9)

    def begin(
        self,
        recipe: Recipe,
        init_image: InitImage | None = None,
        references: Sequence[Image.Image] = (),
        control: Image.Image | None = None,
    ) -> list[Sample]:
        """Encode the prompt once and make a sample for each seed.

        An inpainting UNet that is to paint a whole picture gets a mask that covers all of it.
        """
        if self._sees_masks and (init_image is None or init_image.mask is None):
            size = (recipe.width, recipe.height)
            image = init_image.image if init_image else Image.new("RGB", size)
            init_image = InitImage(image, mask=Image.new("L", size, 255))
        return super().begin(recipe, init_image, references, control)

    def init_latents(
        self, recipe: Recipe, init_image: InitImage, generator: torch.Generator
    ) -> torch.Tensor | None:
        """Latents of the image, unless an inpainting UNet is to ignore it.

        They are contiguous in memory, as in Diffusers: another layout rounds differently.
        """
        if self._sees_masks and recipe.strength == 1:
            return None
        latents = super().init_latents(recipe, init_image, generator)
        return latents.contiguous() if latents is not None and init_image.mask else latents

    def prepare(self, sample: LatentSample, init_image: InitImage | None) -> None:
        """Bring the mask to the size of the latents, shape (1, 1, h, w): 1 where it is white.

        Diffusers encodes the masked image whether or not the UNet sees it. For one that doesn't,
        only the draw of the VAE's distribution is made: a scheduler's draws come after it.
        """
        super().prepare(sample, init_image)
        if init_image is None or init_image.mask is None:
            return
        recipe = sample.recipe
        if recipe.strength == 1:
            sample.latents = sample.noise * sample.scheduler.init_noise_sigma
        mask = binary_mask(init_image.mask, recipe)
        sample.extra["mask"] = torch.nn.functional.interpolate(mask, sample.latents.shape[-2:]).to(
            sample.latents
        )
        if self._sees_masks:
            pixels = self.preprocess(init_image, recipe)
            masked = pixels * (mask < 0.5).to(pixels)
            sample.extra["masked_latents"] = self.encode_image(masked, recipe, sample.generator)
        else:
            shape, dtype = sample.latents.shape, self._pipe.vae.dtype
            torch.randn(shape, generator=sample.generator, dtype=dtype)

    def model_input(self, sample: LatentSample, latents: torch.Tensor) -> torch.Tensor:
        """The latents, and for an inpainting UNet mask and masked image in further channels."""
        if not self._sees_masks:
            return latents
        return torch.cat([latents, sample.extra["mask"], sample.extra["masked_latents"]], dim=1)

    def after_step(self, sample: LatentSample, latents: torch.Tensor) -> torch.Tensor:
        """Put back what the mask keeps, unless the UNet sees the mask."""
        if self._sees_masks or "mask" not in sample.extra:
            return latents
        return sample.restore_unmasked(latents, sample.extra["mask"])
