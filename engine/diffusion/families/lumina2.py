"""Lumina-Image 2.0: one stream of text and image tokens, prompted through Gemma 2."""

from typing import cast

import torch

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow_family import FlowFamily
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.diffusion.latent_rgb import FLUX
from engine.jobs.recipe import Recipe


class Lumina2(FlowFamily):
    """A loaded `Lumina2Pipeline`; guidance has its defaults: normalised, not truncated."""

    family = "lumina2"
    latent_map = FLUX
    normalizes_guidance = True

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of 256 tokens, shape (1, tokens, dim), and their mask, shape (1, tokens).

        The pipeline's system prompt goes before a prompt, but not before a negative one.
        """
        device = self._components.device
        if negative:
            embeds, mask = self._pipe._get_gemma_prompt_embeds(text, device)
        else:
            embeds, mask, _, _ = self._pipe.encode_prompt(text, False, device=device)
        return {"embeds": embeds, "mask": mask}

    def image_seq_len(self, recipe: Recipe) -> int:
        """The number of channels, which the pipeline takes for that of the tokens."""
        return self.latent_channels

    def noise_dtype(self, recipe: Recipe) -> torch.dtype:
        """The text encoder's precision."""
        return cast(torch.dtype, self._pipe.text_encoder.dtype)

    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """The transformer's velocity, shape (inputs, channels, h, w).

        Its time runs from 0, noise, to 1, and its velocity points from noise to picture, against
        the scheduler's.
        """
        velocity = self._pipe.transformer(
            hidden_states=batch.latents,
            timestep=1 - batch.timesteps / 1000,
            encoder_hidden_states=batch.conditioning("embeds"),
            encoder_attention_mask=batch.conditioning("mask"),
            return_dict=False,
        )[0]
        return cast(torch.Tensor, -velocity)
