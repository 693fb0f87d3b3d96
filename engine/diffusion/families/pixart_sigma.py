"""PixArt-Σ: a transformer over latents that attends to the tokens of a T5 encoder."""

from typing import cast

import torch

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.diffusion.families.stepped import Stepped
from engine.diffusion.previews import STABLE_DIFFUSION_XL
from engine.jobs.recipe import Recipe

MICRO_CONDITIONS = {"resolution": None, "aspect_ratio": None}
"""PixArt-α takes the picture's size here; Σ takes nothing."""


class PixArtSigma(Stepped):
    """A loaded `PixArtSigmaPipeline`; sizes are painted as asked, without binning."""

    family = "pixart-sigma"
    latent_map = STABLE_DIFFUSION_XL

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of 300 tokens, shape (1, tokens, dim), and their mask, shape (1, tokens).

        Prompts are lowercased and otherwise left alone: the pipeline's cleaning is for scraped
        captions and needs further packages.
        """
        embeds, mask, _, _ = self._pipe.encode_prompt(text, False, device=self._components.device)
        return {"embeds": embeds, "mask": mask}

    def noise_dtype(self, recipe: Recipe) -> torch.dtype:
        """The text encoder's precision."""
        return cast(torch.dtype, self._pipe.text_encoder.dtype)

    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """The transformer's prediction, shape (inputs, channels, h, w).

        It also predicts the variance, in as many channels more; no scheduler here uses it.
        """
        transformer = self._pipe.transformer
        predictions = transformer(
            batch.latents,
            encoder_hidden_states=batch.conditioning("embeds"),
            encoder_attention_mask=batch.conditioning("mask"),
            timestep=batch.timesteps,
            added_cond_kwargs=MICRO_CONDITIONS,
            return_dict=False,
        )[0]
        return cast(torch.Tensor, predictions[:, : transformer.config.in_channels])
