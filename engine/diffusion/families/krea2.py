"""Krea 2: one stream of text and image tokens, prompted through many layers of Qwen3-VL.

Latents and VAE are those of Qwen-Image. The distilled “Turbo” has a fixed shift of its sigmas.
"""

from typing import Any, cast

import torch
from diffusers.pipelines.flux.pipeline_flux import calculate_shift

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.guidance import GuidanceFromZero
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.diffusion.families.qwen_image import QwenImage
from engine.jobs.recipe import Recipe

MAX_TOKENS = 512
"""Of a prompt with the end of its template, padding included: the default of the pipeline."""

DISTILLED_MU = 1.15


class Krea2(GuidanceFromZero, QwenImage):
    """A loaded `Krea2Pipeline`."""

    family = "krea2"
    normalizes_guidance = False

    def shift_mu(self, recipe: Recipe, scheduler: Any) -> float:
        """As its pipeline computes it, with another size than FLUX.1's where nothing is set."""
        if self._pipe.config.is_distilled:
            return DISTILLED_MU
        config = scheduler.config
        mu = calculate_shift(
            self.image_seq_len(recipe),
            config.get("base_image_seq_len", 256),
            config.get("max_image_seq_len", 6400),
            config.get("base_shift", 0.5),
            config.get("max_shift", 1.15),
        )
        return cast(float, mu)

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """Tokens without padding, shape (1, tokens, layers, dim), and where they belong.

        The mask has shape (1, 512). Padding is left out, since all layers of it take 30 MB.
        """
        embeds, mask = self._pipe.encode_prompt(
            text, self._components.device, max_sequence_length=MAX_TOKENS
        )
        return {"embeds": embeds[mask][None], "mask": mask}

    def unpack(self, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        """Shape (1, channels, height / 8, width / 8)."""
        unpacked = self._pipe._unpack_latents(latents, recipe.height, recipe.width)
        return cast(torch.Tensor, unpacked[:, :, 0])

    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """The transformer's velocity, shape (inputs, tokens, channels · 4)."""
        latents, mask = batch.latents, batch.conditioning("mask")
        first = batch.inputs[0].conditioning["embeds"]
        embeds = first.new_zeros(*mask.shape, *first.shape[2:])
        embeds[mask] = torch.cat([each.conditioning["embeds"][0] for each in batch.inputs])
        rows, columns = self.token_grid(batch.recipe)
        velocity = self._pipe.transformer(
            hidden_states=latents,
            encoder_hidden_states=embeds,
            timestep=(batch.timesteps / 1000).to(latents.dtype),
            position_ids=self._pipe.prepare_position_ids(
                mask.shape[1], rows, columns, latents.device
            ),
            encoder_attention_mask=mask,
            return_dict=False,
        )[0]
        return cast(torch.Tensor, velocity)
