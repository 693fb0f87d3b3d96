"""Qwen-Image: a transformer over patches of latents and text tokens, prompted through Qwen2.5-VL.

`guidance_scale` is what its pipeline calls `true_cfg_scale`: the negative prompt really goes
through the transformer. No version is distilled on its guidance.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch.nn import functional

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow_family import PackedFlowFamily
from engine.diffusion.families.latent_sample import DenoiserBatch, LatentSample
from engine.diffusion.latent_rgb import QWEN_IMAGE
from engine.jobs.request import Recipe

MAX_TOKENS = 512
"""Of a prompt, without the template around it: the default of Diffusers' pipeline."""


class QwenImage(PackedFlowFamily):
    """A loaded `QwenImagePipeline`."""

    family = "qwen-image"
    latent_map = QWEN_IMAGE
    normalizes_guidance = True

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of the tokens without padding, shape (1, tokens, dim).

        A blank stands for no negative prompt, as in the model card.
        """
        embeds, _ = self._pipe.encode_prompt(
            text or " ", self._components.device, max_sequence_length=MAX_TOKENS
        )
        return {"embeds": embeds}

    def noise_dtype(self, recipe: Recipe) -> torch.dtype:
        """The text encoder's precision."""
        return cast(torch.dtype, self._pipe.text_encoder.dtype)

    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """The transformer's velocity, shape (inputs, tokens, 64).

        Prompts of different length are padded and the padding is masked, so the weights are read
        once; the pipeline reads them once for each prompt.
        """
        latents = batch.latents
        embeds, mask = _pad([each.conditioning["embeds"] for each in batch.inputs])
        velocity = self._pipe.transformer(
            hidden_states=latents,
            timestep=batch.timesteps.to(latents.dtype) / 1000,
            encoder_hidden_states=embeds,
            encoder_hidden_states_mask=mask,
            img_shapes=[[(1, *self.token_grid(batch.recipe))]] * len(batch.inputs),
            return_dict=False,
        )[0]
        return cast(torch.Tensor, velocity)

    def encode_image(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """A draw from the VAE's distribution, as one frame, normalised and packed."""
        latents = self._pipe.vae.encode(pixels[:, :, None]).latent_dist.sample(generator)
        mean, scale = self._latent_statistics(latents)
        latents = ((latents - mean) * scale).to(self.noise_dtype(recipe))
        return self.pack(latents[:, :, 0])

    def decode(self, sample: LatentSample) -> torch.Tensor:
        """The VAE's decoder on denormalised latents, as one frame."""
        vae = self._pipe.vae
        latents = self.unpack(sample.latents, sample.recipe)[:, :, None].to(vae.dtype)
        mean, scale = self._latent_statistics(latents)
        return cast(torch.Tensor, vae.decode(latents / scale + mean, return_dict=False)[0][:, :, 0])

    def _latent_statistics(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean of the VAE's latents and one over their deviation, shape (1, channels, 1, 1, 1)."""
        config = self._pipe.vae.config
        mean, deviation = (
            torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1, 1).to(like)
            for values in (config.latents_mean, config.latents_std)
        )
        return mean, 1.0 / deviation


def _pad(embeds: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Prompts in one batch, and the mask of their tokens; `None` if there is no padding.

    Args:
        embeds: Each of shape (1, its tokens, dim).
    """
    lengths = [each.shape[1] for each in embeds]
    longest = max(lengths)
    batch = torch.cat([functional.pad(each, (0, 0, 0, longest - each.shape[1])) for each in embeds])
    if min(lengths) == longest:
        return batch, None
    positions = torch.arange(longest, device=batch.device)
    return batch, positions < torch.tensor(lengths, device=batch.device)[:, None]
