"""Sana: a linear transformer over small, deep latents, prompted through Gemma 2."""

import inspect
from typing import cast

import torch

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow_family import FlowFamily
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.jobs.recipe import Recipe


class Sana(FlowFamily):
    """A loaded `SanaPipeline`; sizes are painted as asked, without binning."""

    family = "sana"

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of 300 tokens, shape (1, tokens, dim), and their mask, shape (1, tokens).

        The pipeline's instruction to describe the picture in detail goes before a prompt, but not
        before a negative one.
        """
        instruction = None if negative else self._instruction
        embeds, mask, _, _ = self._pipe.encode_prompt(
            text, False, device=self._components.device, complex_human_instruction=instruction
        )
        return {"embeds": embeds.to(self._pipe.transformer.dtype), "mask": mask}

    @property
    def _instruction(self) -> list[str]:
        """The pipeline's own, in lines."""
        parameters = inspect.signature(type(self._pipe).__call__).parameters
        return cast(list[str], parameters["complex_human_instruction"].default)

    def sigmas(self, recipe: Recipe) -> None:
        """The scheduler's own."""

    def noise_dtype(self, recipe: Recipe) -> torch.dtype:
        """Single precision, whatever the weights have."""
        return torch.float32

    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """The transformer's velocity, float32, shape (inputs, channels, h, w).

        A model that also predicts its variance does so in as many channels more.
        """
        transformer = self._pipe.transformer
        predictions = transformer(
            batch.latents.to(transformer.dtype),
            encoder_hidden_states=batch.conditioning("embeds"),
            encoder_attention_mask=batch.conditioning("mask"),
            timestep=batch.timesteps * transformer.config.timestep_scale,
            return_dict=False,
        )[0]
        return cast(torch.Tensor, predictions[:, : transformer.config.in_channels].float())
