"""FLUX.1: a transformer over patches of latents and text tokens, told by CLIP and T5.

“dev” is distilled on its guidance, which it takes as a number; “schnell” on four steps without
any. Neither knows a negative prompt: one that is given is passed over, as Diffusers does.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from diffusers.utils.torch_utils import randn_tensor

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow import dynamic_shift, set_flow_timesteps
from engine.diffusion.families.flow_inpainting import FlowInpainting
from engine.diffusion.families.shifted_vae import decoded, encoded
from engine.diffusion.families.stepped import DenoiserInput, LatentSample, stack_conditioning
from engine.jobs.request import Recipe

DEV_TOKENS = 512
SCHNELL_TOKENS = 256
"""T5 tokens that they were trained with, by their model cards."""

PATCH = 2
"""Latents per side of a token."""


class Flux(FlowInpainting):
    """A loaded `FluxPipeline`, stepped row by row.

    Its latents are packed: the four of a patch are one token, shape (1, tokens, channels · 4).
    """

    family = "flux"

    @property
    def _takes_guidance(self) -> bool:
        """Whether this is “dev” or made from it."""
        return bool(self._pipe.transformer.config.guidance_embeds)

    def guided(self, recipe: Recipe) -> bool:
        """Never by a second prompt."""
        return False

    def encode(self, text: str, *, negative: bool) -> Conditioning:
        """T5's tokens, shape (1, tokens, dim), and CLIP's summary, shape (1, dim)."""
        embeds, pooled, _ = self._pipe.encode_prompt(
            text,
            device=self._parts.device,
            max_sequence_length=DEV_TOKENS if self._takes_guidance else SCHNELL_TOKENS,
        )
        return {"embeds": embeds, "pooled": pooled}

    def _grid(self, recipe: Recipe) -> tuple[int, int]:
        """Rows and columns of the tokens."""
        side = self._pipe.vae_scale_factor * PATCH
        return recipe.height // side, recipe.width // side

    def new_noise(self, recipe: Recipe, generator: torch.Generator) -> torch.Tensor:
        """Drawn as a grid, then packed."""
        rows, columns = self._grid(recipe)
        transformer = self._pipe.transformer
        channels = transformer.config.in_channels // PATCH**2
        shape = (1, channels, PATCH * rows, PATCH * columns)
        return self.laid_out(randn_tensor(shape, generator, self._parts.device, transformer.dtype))

    def laid_out(self, grid: torch.Tensor) -> torch.Tensor:
        """Packed, shape (1, tokens, channels · 4)."""
        return cast(torch.Tensor, self._pipe._pack_latents(grid, *grid.shape))

    def as_grid(self, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        """Unpacked, shape (1, channels, height / 8, width / 8)."""
        factor = self._pipe.vae_scale_factor
        grid = self._pipe._unpack_latents(latents, recipe.height, recipe.width, factor)
        return cast(torch.Tensor, grid)

    def set_timesteps(self, recipe: Recipe, scheduler: Any) -> None:
        """By even noise levels, shifted by size where it is configured (dev)."""
        rows, columns = self._grid(recipe)
        steps = recipe.num_inference_steps
        sigmas = np.linspace(1.0, 1 / steps, steps).tolist()
        mu = dynamic_shift(scheduler, rows * columns)
        set_flow_timesteps(scheduler, sigmas, self._parts.device, mu)

    def denoise(self, calls: Sequence[DenoiserInput]) -> torch.Tensor:
        """The transformer's velocity, shape (calls, tokens, channels · 4)."""
        samples = torch.cat([call.sample for call in calls])
        embeds = stack_conditioning(calls, "embeds")
        guidance = torch.tensor(
            [call.row.recipe.guidance_scale for call in calls],
            dtype=torch.float32,
            device=samples.device,
        )
        rows, columns = self._grid(calls[0].row.recipe)
        velocity = self._pipe.transformer(
            hidden_states=samples,
            timestep=torch.stack([call.timestep for call in calls]).to(samples.dtype) / 1000,
            guidance=guidance if self._takes_guidance else None,
            pooled_projections=stack_conditioning(calls, "pooled"),
            encoder_hidden_states=embeds,
            txt_ids=torch.zeros(embeds.shape[1], 3, device=samples.device, dtype=samples.dtype),
            img_ids=self._pipe._prepare_latent_image_ids(
                1, rows, columns, samples.device, samples.dtype
            ),
            return_dict=False,
        )[0]
        return cast(torch.Tensor, velocity)

    def encode_picture(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """A sample of the VAE's distribution, packed."""
        latents = encoded(self._pipe.vae, pixels, generator)
        return self.laid_out(latents.to(self._pipe.transformer.dtype))

    def decode(self, row: LatentSample) -> torch.Tensor:
        """The VAE's decoder on the latents, unpacked and as they were before normalising."""
        return decoded(self._pipe.vae, self.as_grid(row.latents, row.recipe))
