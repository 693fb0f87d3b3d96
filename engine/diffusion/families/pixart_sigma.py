"""PixArt-Σ: a transformer over latents that attends to the tokens of a T5 encoder."""

from collections.abc import Sequence
from typing import cast

import torch
from diffusers.utils.torch_utils import randn_tensor

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.stepped import (
    DenoiserInput,
    LatentSample,
    Stepped,
    stack_conditioning,
)
from engine.jobs.request import Recipe

MICRO_CONDITIONS = {"resolution": None, "aspect_ratio": None}
"""What PixArt-α is told of the size; Σ is told nothing."""


class PixArtSigma(Stepped):
    """A loaded `PixArtSigmaPipeline`, stepped row by row; sizes are painted without binning."""

    family = "pixart-sigma"

    def encode(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of 300 tokens, shape (1, tokens, dim), and which of them count, (1, tokens).

        Prompts are put in small letters and otherwise left as they are: the cleaning that the
        pipeline knows is for scraped captions and needs further packages.
        """
        embeds, mask, _, _ = self._pipe.encode_prompt(text, False, device=self._parts.device)
        return {"embeds": embeds, "mask": mask}

    def new_noise(self, recipe: Recipe, generator: torch.Generator) -> torch.Tensor:
        """Shape (1, channels, height / 8, width / 8), in the text encoder's precision."""
        factor = self._pipe.vae_scale_factor
        channels = self._pipe.transformer.config.in_channels
        shape = (1, channels, recipe.height // factor, recipe.width // factor)
        dtype = self._pipe.text_encoder.dtype
        return cast(torch.Tensor, randn_tensor(shape, generator, self._parts.device, dtype))

    def denoise(self, calls: Sequence[DenoiserInput]) -> torch.Tensor:
        """The transformer's prediction, shape (calls, channels, h, w).

        It predicts the variance in as many channels more, which no scheduler here asks for.
        """
        transformer = self._pipe.transformer
        predictions = transformer(
            torch.cat([call.sample for call in calls]),
            encoder_hidden_states=stack_conditioning(calls, "embeds"),
            encoder_attention_mask=stack_conditioning(calls, "mask"),
            timestep=torch.stack([call.timestep for call in calls]),
            added_cond_kwargs=MICRO_CONDITIONS,
            return_dict=False,
        )[0]
        return cast(torch.Tensor, predictions[:, : transformer.config.in_channels])

    def decode(self, row: LatentSample) -> torch.Tensor:
        """The VAE's decoder on the unscaled latents."""
        vae = self._pipe.vae
        latents = row.latents.to(vae.dtype) / vae.config.scaling_factor
        return cast(torch.Tensor, vae.decode(latents, return_dict=False)[0])
