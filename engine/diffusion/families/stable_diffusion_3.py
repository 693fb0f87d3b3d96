"""Stable Diffusion 3 and 3.5: a transformer over latents and text, prompted through CLIP and T5.

T5 may be missing (`text_encoder_3` is the largest part by far): its tokens are then zeros.
"""

from typing import cast

import torch

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow_family import FlowFamily
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.diffusion.latent_rgb import STABLE_DIFFUSION_3
from engine.jobs.recipe import Recipe


class StableDiffusion3(FlowFamily):
    """A loaded `StableDiffusion3Pipeline`."""

    family = "sd3"
    latent_map = STABLE_DIFFUSION_3

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of the tokens, shape (1, tokens, dim), and of the whole, shape (1, dim)."""
        embeds, _, pooled, _ = self._pipe.encode_prompt(
            text, None, None, device=self._components.device, do_classifier_free_guidance=False
        )
        return {"embeds": embeds, "pooled": pooled}

    def sigmas(self, recipe: Recipe) -> None:
        """The scheduler's own; 3.5 shifts them by size."""

    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """The transformer's velocity, shape (inputs, channels, h, w)."""
        velocity = self._pipe.transformer(
            hidden_states=batch.latents,
            timestep=batch.timesteps,
            encoder_hidden_states=batch.conditioning("embeds"),
            pooled_projections=batch.conditioning("pooled"),
            return_dict=False,
        )[0]
        return cast(torch.Tensor, velocity)
