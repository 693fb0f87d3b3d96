"""Chroma: FLUX.1 without CLIP and without distilled guidance, prompted through T5 alone.

All prompts have one length: the transformer sees the padding's first token, and a mask for the
rest.
"""

from typing import cast

import torch

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow_family import PackedFlowFamily
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.diffusion.latent_rgb import FLUX
from engine.diffusion.sending import sent
from engine.jobs.recipe import Recipe

MAX_TOKENS = 512
"""Of a prompt, padding included: the default of Diffusers' text-to-image pipeline."""


class Chroma(PackedFlowFamily):
    """A loaded `ChromaPipeline`."""

    family = "chroma"
    latent_map = FLUX

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """T5's tokens, shape (1, tokens, dim), and 1 for those that count, shape (1, tokens)."""
        embeds, mask = self._pipe._get_t5_prompt_embeds(
            text, device=self._components.device, max_sequence_length=MAX_TOKENS
        )
        return {"embeds": embeds, "mask": mask}

    def noise_dtype(self, recipe: Recipe) -> torch.dtype:
        """The text encoder's precision."""
        return cast(torch.dtype, self._pipe.text_encoder.dtype)

    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """The transformer's velocity, shape (inputs, tokens, channels · 4)."""
        latents, embeds = batch.latents, batch.conditioning("embeds")
        device, dtype = latents.device, latents.dtype
        ids = self.coordinates(self.token_grid(batch.recipe), latents)
        seen = batch.conditioning("mask")
        velocity = self._pipe.transformer(
            hidden_states=latents,
            timestep=self._times(batch, dtype),
            encoder_hidden_states=embeds,
            txt_ids=torch.zeros(embeds.shape[1], 3, device=device, dtype=dtype),
            img_ids=ids,
            attention_mask=torch.cat([seen, seen.new_ones(len(seen), len(ids))], dim=1),
            return_dict=False,
        )[0]
        return cast(torch.Tensor, velocity)

    def _times(self, batch: DenoiserBatch, dtype: torch.dtype) -> torch.Tensor:
        """From 1, noise, to 0; the image-to-image pipeline rounds them later than the other."""
        rounded = batch.timesteps.to(dtype) / 1000
        later = (batch.timesteps / 1000).to(dtype)
        with_picture = [sample.recipe.image is not None for sample in batch.samples]
        return torch.where(sent(torch.tensor(with_picture), later.device), later, rounded)
