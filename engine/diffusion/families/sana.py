"""Sana: a linear transformer over small, deep latents, told by Gemma 2 with an instruction."""

import inspect
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


class Sana(Stepped):
    """A loaded `SanaPipeline`, stepped row by row; sizes are painted as asked, without binning."""

    family = "sana"

    def encode(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of 300 tokens, shape (1, tokens, dim), and which of them count, (1, tokens).

        The pipeline's instruction to describe the picture in detail goes before a prompt, but not
        before a negative one.
        """
        instruction = None if negative else self._instruction
        embeds, mask, _, _ = self._pipe.encode_prompt(
            text, False, device=self._parts.device, complex_human_instruction=instruction
        )
        return {"embeds": embeds.to(self._pipe.transformer.dtype), "mask": mask}

    @property
    def _instruction(self) -> list[str]:
        """The pipeline's own, in lines."""
        parameters = inspect.signature(type(self._pipe).__call__).parameters
        return cast(list[str], parameters["complex_human_instruction"].default)

    def new_noise(self, recipe: Recipe, generator: torch.Generator) -> torch.Tensor:
        """Shape (1, channels, height / 32, width / 32), float32 in any precision of the weights."""
        factor = self._pipe.vae_scale_factor
        channels = self._pipe.transformer.config.in_channels
        shape = (1, channels, recipe.height // factor, recipe.width // factor)
        noise = randn_tensor(shape, generator, self._parts.device, torch.float32)
        return cast(torch.Tensor, noise)

    def denoise(self, calls: Sequence[DenoiserInput]) -> torch.Tensor:
        """The transformer's velocity, float32, shape (calls, channels, h, w).

        Of a model that predicts its variance as well, only the first half of the channels.
        """
        transformer = self._pipe.transformer
        timesteps = torch.stack([call.timestep for call in calls])
        predictions = transformer(
            torch.cat([call.sample for call in calls]).to(transformer.dtype),
            encoder_hidden_states=stack_conditioning(calls, "embeds"),
            encoder_attention_mask=stack_conditioning(calls, "mask"),
            timestep=timesteps * transformer.config.timestep_scale,
            return_dict=False,
        )[0]
        return cast(torch.Tensor, predictions[:, : transformer.config.in_channels].float())

    def decode(self, row: LatentSample) -> torch.Tensor:
        """The VAE's decoder on the unscaled latents."""
        vae = self._pipe.vae
        latents = row.latents.to(vae.dtype) / vae.config.scaling_factor
        return cast(torch.Tensor, vae.decode(latents, return_dict=False)[0])
