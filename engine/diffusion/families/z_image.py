"""Z-Image: one stream of text and picture tokens, guided by a Qwen3 text encoder."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from diffusers.pipelines.z_image.pipeline_z_image import get_default_z_image_sigmas
from diffusers.utils.torch_utils import randn_tensor

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow import dynamic_shift, set_flow_timesteps
from engine.diffusion.families.flow_inpainting import FlowInpainting
from engine.diffusion.families.shifted_vae import decoded, encoded
from engine.diffusion.families.stepped import DenoiserInput, LatentSample
from engine.jobs.request import Recipe

PATCH = 2
"""Latents per side of a token."""


class ZImage(FlowInpainting):
    """A loaded `ZImagePipeline`, stepped row by row.

    Guidance is that of the pipeline's defaults: neither normalised nor truncated.
    """

    family = "z-image"

    def guided(self, recipe: Recipe) -> bool:
        """Anything above zero counts: at 1 the guidance is already twice the prompt's pull."""
        return recipe.guidance_scale > 0

    def guide(
        self, row: LatentSample, negative: torch.Tensor, positive: torch.Tensor
    ) -> torch.Tensor:
        """Classifier-free guidance with w = scale, where other families have w = scale - 1."""
        return positive + row.recipe.guidance_scale * (positive - negative)

    def encode(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of the tokens without padding, shape (1, tokens, dim)."""
        [embeds], _ = self._pipe.encode_prompt(text, self._parts.device, False)
        return {"embeds": embeds[None]}

    def set_timesteps(self, recipe: Recipe, scheduler: Any) -> None:
        """Sigmas fall evenly, then are shifted by the number of tokens."""
        rows, columns = self._grid(recipe)
        mu = dynamic_shift(scheduler, (rows // PATCH) * (columns // PATCH))
        sigmas = get_default_z_image_sigmas(recipe.num_inference_steps)
        set_flow_timesteps(scheduler, sigmas, self._parts.device, mu)

    def _grid(self, recipe: Recipe) -> tuple[int, int]:
        """Rows and columns of the latents."""
        factor = self._pipe.vae_scale_factor
        return recipe.height // factor, recipe.width // factor

    def new_noise(self, recipe: Recipe, generator: torch.Generator) -> torch.Tensor:
        """Shape (1, channels, height / 8, width / 8).

        The pipelines draw it in single precision, except over a picture: there in the
        model's own, and another precision is other noise.
        """
        dtype = self._pipe.transformer.dtype if recipe.image else torch.float32
        shape = (1, self._pipe.transformer.config.in_channels, *self._grid(recipe))
        return cast(torch.Tensor, randn_tensor(shape, generator, self._parts.device, dtype))

    def denoise(self, calls: Sequence[DenoiserInput]) -> torch.Tensor:
        """The transformer's prediction, float32, shape (calls, channels, h, w).

        Its time runs from 0, noise, to 1, and its velocity points from noise to picture, against
        the scheduler's. It pads prompts of different length itself, and masks the padding.
        """
        transformer = self._pipe.transformer
        predictions = transformer(
            [call.sample.to(transformer.dtype).squeeze(0).unsqueeze(1) for call in calls],
            (1000 - torch.stack([call.timestep for call in calls])) / 1000,
            [call.conditioning["embeds"].squeeze(0) for call in calls],
            return_dict=False,
        )[0]
        return -torch.stack([each.squeeze(1) for each in predictions]).float()

    def encode_picture(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """A sample of the VAE's distribution, shape as `new_noise`."""
        return encoded(self._pipe.vae, pixels, generator)

    def decode(self, row: LatentSample) -> torch.Tensor:
        """The VAE's decoder on the latents as they were before normalising."""
        vae = self._pipe.vae
        return decoded(vae, row.latents.to(vae.dtype))
