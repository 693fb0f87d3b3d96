"""Stable Diffusion 3 and 3.5: a transformer over latents and text, guided by CLIP and T5.

T5 may be missing (`text_encoder_3` is the largest part by far): its tokens are then zeros.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from diffusers.utils.torch_utils import randn_tensor

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow import dynamic_shift, set_flow_timesteps
from engine.diffusion.families.flow_inpainting import FlowInpainting
from engine.diffusion.families.shifted_vae import decoded, encoded
from engine.diffusion.families.stepped import DenoiserInput, LatentSample, stack_conditioning
from engine.jobs.request import Recipe


class StableDiffusion3(FlowInpainting):
    """A loaded `StableDiffusion3Pipeline`, stepped row by row."""

    family = "sd3"

    def encode(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of the tokens, shape (1, tokens, dim), and of the whole, shape (1, dim)."""
        embeds, _, pooled, _ = self._pipe.encode_prompt(
            text, None, None, device=self._parts.device, do_classifier_free_guidance=False
        )
        return {"embeds": embeds, "pooled": pooled}

    def new_noise(self, recipe: Recipe, generator: torch.Generator) -> torch.Tensor:
        """Shape (1, channels, height / 8, width / 8)."""
        transformer = self._pipe.transformer
        shape = (1, transformer.config.in_channels, *self._grid(recipe))
        noise = randn_tensor(shape, generator, self._parts.device, transformer.dtype)
        return cast(torch.Tensor, noise)

    def _grid(self, recipe: Recipe) -> tuple[int, int]:
        """Rows and columns of the latents."""
        factor = self._pipe.vae_scale_factor
        return recipe.height // factor, recipe.width // factor

    def set_timesteps(self, recipe: Recipe, scheduler: Any) -> None:
        """By the scheduler's own noise levels, shifted by size where it is configured (3.5)."""
        rows, columns = self._grid(recipe)
        patch = self._pipe.transformer.config.patch_size
        mu = dynamic_shift(scheduler, (rows // patch) * (columns // patch))
        set_flow_timesteps(scheduler, recipe.num_inference_steps, self._parts.device, mu)

    def denoise(self, calls: Sequence[DenoiserInput]) -> torch.Tensor:
        """The transformer's velocity, shape (calls, channels, h, w)."""
        velocity = self._pipe.transformer(
            hidden_states=torch.cat([call.sample for call in calls]),
            timestep=torch.stack([call.timestep for call in calls]),
            encoder_hidden_states=stack_conditioning(calls, "embeds"),
            pooled_projections=stack_conditioning(calls, "pooled"),
            return_dict=False,
        )[0]
        return cast(torch.Tensor, velocity)

    def encode_picture(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """A sample of the VAE's distribution, shape as `new_noise`."""
        return encoded(self._pipe.vae, pixels, generator).to(self._pipe.transformer.dtype)

    def decode(self, row: LatentSample) -> torch.Tensor:
        """The VAE's decoder on the latents as they were before normalising."""
        return decoded(self._pipe.vae, row.latents)
