"""What families trained by flow matching share: sigmas, their shift, normalised guidance, masks.

Sigmas fall from 1, noise, to 0, shifted towards the noise: the more so, the larger the picture.
"""

import inspect
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np
import torch
from diffusers.pipelines.flux.pipeline_flux import calculate_shift

from engine.diffusion.families.base import InitImage
from engine.diffusion.families.latent_sample import LatentSample
from engine.diffusion.families.masks import binary_mask
from engine.diffusion.families.stepped import Stepped
from engine.jobs.recipe import Recipe

PATCH = 2
"""Latents per side of a token."""


class FlowFamily(Stepped):
    """A loaded pipeline of the flow-matching kind."""

    normalizes_guidance: ClassVar[bool] = False
    """Whether guidance keeps the length of the positive prediction."""

    def token_grid(self, recipe: Recipe) -> tuple[int, int]:
        """Rows and columns of the tokens that the picture is for the transformer."""
        height, width = self.latent_size(recipe)
        return height // PATCH, width // PATCH

    def sigmas(self, recipe: Recipe) -> Sequence[float] | None:
        """The sigma of each step before the shift; `None` for the scheduler's own."""
        steps = recipe.num_inference_steps
        return cast(list[float], np.linspace(1.0, 1 / steps, steps).tolist())

    def image_seq_len(self, recipe: Recipe) -> int:
        """The sequence length that the shift is computed from."""
        rows, columns = self.token_grid(recipe)
        return rows * columns

    def shift_mu(self, recipe: Recipe, scheduler: Any) -> float:
        """The shift mu for a picture of this size, linear between those of two sizes.

        Esser et al., "Scaling Rectified Flow Transformers", 2024, section 5.3.2; the constants are
        in the scheduler's configuration, else those of FLUX.1.
        """
        config = scheduler.config
        mu = calculate_shift(
            self.image_seq_len(recipe),
            config.get("base_image_seq_len", 256),
            config.get("max_image_seq_len", 4096),
            config.get("base_shift", 0.5),
            config.get("max_shift", 1.15),
        )
        return cast(float, mu)

    def set_timesteps(self, recipe: Recipe, scheduler: Any) -> None:
        """Set the scheduler's sigmas, and the shift where it is configured to be dynamic.

        A scheduler that doesn't take sigmas spaces its own. They stay on the CPU.
        """
        accepted = inspect.signature(scheduler.set_timesteps).parameters
        options: dict[str, Any] = {}
        if scheduler.config.get("use_dynamic_shifting") and "mu" in accepted:
            options["mu"] = self.shift_mu(recipe, scheduler)
        sigmas = self.sigmas(recipe)
        if sigmas is not None and "sigmas" in accepted:
            options["sigmas"] = sigmas
        scheduler.set_timesteps(recipe.num_inference_steps, device="cpu", **options)

    def skipped_steps(self, recipe: Recipe) -> int:
        """Steps that an image-to-image job skips: flow pipelines round them down."""
        steps = recipe.num_inference_steps
        return int(max(steps - min(steps * recipe.strength, steps), 0))

    def apply_guidance(
        self, sample: LatentSample, negative: torch.Tensor, positive: torch.Tensor
    ) -> torch.Tensor:
        """Classifier-free guidance, normalised along the last axis if the family asks for it."""
        guided = super().apply_guidance(sample, negative, positive)
        if not self.normalizes_guidance:
            return guided
        target, length = (torch.norm(each, dim=-1, keepdim=True) for each in (positive, guided))
        return cast(torch.Tensor, guided * (target / length))

    def prepare(self, sample: LatentSample, init_image: InitImage | None) -> None:
        """Bring the mask, if there is one, to the shape of the latents: 1 where it is white."""
        if init_image is None or init_image.mask is None:
            return
        latents = self.unpack(sample.noise, sample.recipe)
        mask = torch.nn.functional.interpolate(
            binary_mask(init_image.mask, sample.recipe), latents.shape[-2:]
        )
        sample.extra["mask"] = self.pack(mask.to(latents).expand_as(latents))

    def after_step(self, sample: LatentSample, latents: torch.Tensor) -> torch.Tensor:
        """Restore what the mask keeps; the transformer doesn't see masks."""
        mask = sample.extra.get("mask")
        return latents if mask is None else sample.restore_unmasked(latents, mask)


class PackedFlowFamily(FlowFamily):
    """A flow family whose latents are packed: the four of a patch are one token.

    Shape (1, tokens, channels · 4).
    """

    @property
    def latent_channels(self) -> int:
        """The transformer counts those of a whole patch."""
        return super().latent_channels // PATCH**2

    def coordinates(self, grid: tuple[int, int], like: torch.Tensor) -> torch.Tensor:
        """Of the tokens in a grid of rows and columns: 0, row, column; shape (tokens, 3).

        As the `_prepare_latent_image_ids` of pipelines, which makes them on the host.
        """
        sides = (torch.arange(side, device=like.device) for side in (1, *grid))
        return torch.cartesian_prod(*sides).to(like.dtype)

    def pack(self, latents: torch.Tensor) -> torch.Tensor:
        """Shape (1, tokens, channels · 4)."""
        return cast(torch.Tensor, self._pipe._pack_latents(latents, *latents.shape))

    def unpack(self, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        """Shape (1, channels, height / 8, width / 8)."""
        factor = self._pipe.vae_scale_factor
        unpacked = self._pipe._unpack_latents(latents, recipe.height, recipe.width, factor)
        shape = (1, self.latent_channels, *self.latent_size(recipe))
        return cast(torch.Tensor, unpacked.reshape(shape))
