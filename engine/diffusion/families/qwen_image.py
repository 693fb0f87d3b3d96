"""Qwen-Image: a transformer over patches of latents and text tokens, told by Qwen2.5-VL.

`guidance_scale` is what its pipeline calls `true_cfg_scale`: the negative prompt really goes
through the transformer. There is no version that is distilled on its guidance.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from diffusers.utils.torch_utils import randn_tensor
from torch.nn import functional

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow import dynamic_shift, set_flow_timesteps
from engine.diffusion.families.stepped import DenoiserInput, LatentSample, Stepped
from engine.jobs.request import Recipe

MAX_TOKENS = 512
"""Of a prompt, without the template around it: the default of Diffusers' pipeline."""

PATCH = 2
"""Latents per side of a token."""


class QwenImage(Stepped):
    """A loaded `QwenImagePipeline`, stepped row by row; latents are packed, (1, tokens, 64)."""

    family = "qwen-image"

    def encode(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of the tokens without padding, shape (1, tokens, dim).

        A blank stands for no negative prompt, as the model card does it.
        """
        embeds, _ = self._pipe.encode_prompt(
            text or " ", self._parts.device, max_sequence_length=MAX_TOKENS
        )
        return {"embeds": embeds}

    def guide(
        self, row: LatentSample, negative: torch.Tensor, positive: torch.Tensor
    ) -> torch.Tensor:
        """Classifier-free guidance, each token as long as the prompt alone would have it."""
        guided = super().guide(row, negative, positive)
        wanted, length = (torch.norm(each, dim=-1, keepdim=True) for each in (positive, guided))
        return cast(torch.Tensor, guided * (wanted / length))

    def set_timesteps(self, recipe: Recipe, scheduler: Any) -> None:
        """Sigmas fall evenly, then are shifted by the number of tokens."""
        steps = recipe.num_inference_steps
        rows, columns = self._grid(recipe)
        sigmas = np.linspace(1.0, 1 / steps, steps).tolist()
        mu = dynamic_shift(scheduler, rows * columns)
        set_flow_timesteps(scheduler, sigmas, self._parts.device, mu)

    def _grid(self, recipe: Recipe) -> tuple[int, int]:
        """Rows and columns of the tokens."""
        side = self._pipe.vae_scale_factor * PATCH
        return recipe.height // side, recipe.width // side

    def new_noise(self, recipe: Recipe, generator: torch.Generator) -> torch.Tensor:
        """Drawn as a grid in the text encoder's precision, then packed."""
        rows, columns = self._grid(recipe)
        channels = self._pipe.transformer.config.in_channels // PATCH**2
        shape = (1, channels, PATCH * rows, PATCH * columns)
        dtype = self._pipe.text_encoder.dtype
        return self._packed(randn_tensor(shape, generator, self._parts.device, dtype))

    def _packed(self, grid: torch.Tensor) -> torch.Tensor:
        return cast(torch.Tensor, self._pipe._pack_latents(grid, *grid.shape))

    def as_grid(self, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        """Unpacked, shape (1, channels, height / 8, width / 8)."""
        factor = self._pipe.vae_scale_factor
        frames = self._pipe._unpack_latents(latents, recipe.height, recipe.width, factor)
        return cast(torch.Tensor, frames[:, :, 0])

    def denoise(self, calls: Sequence[DenoiserInput]) -> torch.Tensor:
        """The transformer's velocity, shape (calls, tokens, 64).

        Prompts of different length are padded and the padding is masked, so that the weights are
        gone through once; the pipeline goes through them once for each prompt.
        """
        samples = torch.cat([call.sample for call in calls])
        embeds, mask = _padded([call.conditioning["embeds"] for call in calls])
        velocity = self._pipe.transformer(
            hidden_states=samples,
            timestep=torch.stack([call.timestep for call in calls]).to(samples.dtype) / 1000,
            encoder_hidden_states=embeds,
            encoder_hidden_states_mask=mask,
            img_shapes=[[(1, *self._grid(call.row.recipe))] for call in calls],
            return_dict=False,
        )[0]
        return cast(torch.Tensor, velocity)

    def encode_picture(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """A sample of the VAE's distribution, normalised and packed."""
        latents = self._pipe.vae.encode(pixels[:, :, None]).latent_dist.sample(generator)
        mean, scale = self._statistics(latents)
        latents = ((latents - mean) * scale).to(self._pipe.text_encoder.dtype)
        return self._packed(latents[:, :, 0])

    def decode(self, row: LatentSample) -> torch.Tensor:
        """The VAE's decoder on latents that are given back their mean and spread, as one frame."""
        vae = self._pipe.vae
        latents = self.as_grid(row.latents, row.recipe)[:, :, None].to(vae.dtype)
        mean, scale = self._statistics(latents)
        return cast(torch.Tensor, vae.decode(latents / scale + mean, return_dict=False)[0][:, :, 0])

    def _statistics(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean of the VAE's latents and one over their deviation, shape (1, channels, 1, 1, 1)."""
        config = self._pipe.vae.config
        mean, deviation = (
            torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1, 1).to(like)
            for values in (config.latents_mean, config.latents_std)
        )
        return mean, 1.0 / deviation


def _padded(embeds: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Prompts in one batch, and which tokens count, shape (prompts, tokens); `None`: all do.

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
