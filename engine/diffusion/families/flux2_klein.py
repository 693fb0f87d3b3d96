"""FLUX.2 klein: a transformer over packed latents, guided by three layers of a Qwen3 model.

A picture to start from is not painted over: the transformer sees its tokens beside those of the
new picture, in each call, and the prompt says what to change. Its `strength` means nothing here.
"""

from collections.abc import Hashable, Sequence
from typing import Any, cast

import numpy as np
import torch
from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image

from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow import set_flow_timesteps
from engine.diffusion.families.stepped import (
    DenoiserInput,
    LatentSample,
    Stepped,
    stack_conditioning,
)
from engine.errors import InvalidRequest
from engine.jobs.request import Recipe
from speech import say

PATCH = 2
"""Latents per side of a token."""

MIN_SIDE = 64
"""Pixels: the smallest side of a picture that the model is shown (`Flux2ImageProcessor`)."""

MAX_RATIO = 8
"""The longest side of such a picture over its shortest (`Flux2ImageProcessor`)."""


class Flux2Klein(Stepped):
    """A loaded `Flux2KleinPipeline`, stepped row by row."""

    family = "flux2-klein"

    def guided(self, recipe: Recipe) -> bool:
        """A distilled model paints without."""
        return recipe.guidance_scale > 1 and not self._pipe.config.is_distilled

    def encode(self, text: str, *, negative: bool) -> Conditioning:
        """Hidden states of three layers side by side, and the tokens' coordinates.

        Shapes (1, tokens, 3 · dim) and (1, tokens, 4), always padded to the same length.
        """
        embeds, ids = self._pipe.encode_prompt(text, self._parts.device)
        return {"embeds": embeds, "ids": ids}

    def skipped_steps(self, recipe: Recipe) -> int:
        """None: there is no way from one picture to the other."""
        return 0

    def source(
        self, recipe: Recipe, start: InitImage, generator: torch.Generator
    ) -> torch.Tensor | None:
        """None: noise alone."""
        return None

    def prepare(self, row: LatentSample, start: InitImage | None) -> None:
        """Coordinates of the tokens, and the picture to be shown.

        Raises:
            InvalidRequest: When that picture is too small or too narrow.
        """
        grid = torch.empty(1, 1, *self._grid(row.recipe))
        row.own["ids"] = self._pipe._prepare_latent_ids(grid).to(self._parts.device)
        if start is not None:
            row.own.update(self._reference(start.image))

    def _reference(self, image: Image.Image) -> dict[str, Any]:
        """Tokens of a picture at its own size.

        Returns:
            `reference` of shape (1, tokens, channels), their coordinates `reference_ids` of shape
            (1, tokens, 4), and `reference_size`, rows and columns of tokens.
        """
        if min(image.size) < MIN_SIDE or max(image.size) > MAX_RATIO * min(image.size):
            raise InvalidRequest(
                say(
                    "The picture is {width} × {height} pixels. This model needs at least "
                    "{least} pixels a side, with no side more than {most} times the other.",
                    width=image.width,
                    height=image.height,
                    least=MIN_SIDE,
                    most=MAX_RATIO,
                )
            )
        pixels = self._reference_pixels(image)
        latents = self._pipe._encode_vae_image(pixels, generator=None)
        return {
            "reference": self._pipe._pack_latents(latents),
            "reference_ids": self._pipe._prepare_image_ids([latents]).to(latents.device),
            "reference_size": tuple(latents.shape[2:]),
        }

    def _reference_pixels(self, image: Image.Image) -> torch.Tensor:
        """At most one megapixel, cropped to whole tokens; -1 to 1, shape (1, 3, h, w)."""
        processor = self._pipe.image_processor
        image = processor._resize_if_exceeds_area(image)
        side = PATCH * self._pipe.vae_scale_factor
        width, height = (pixels // side * side for pixels in image.size)
        pixels = processor.preprocess(image, height=height, width=width, resize_mode="crop")
        return cast(torch.Tensor, pixels.to(self._parts.device, self._pipe.vae.dtype))

    def batch_key(self, row: Sample) -> Hashable:
        """Rows of one size that are shown a picture of one size go together."""
        return super().batch_key(row), cast(LatentSample, row).own.get("reference_size")

    def set_timesteps(self, recipe: Recipe, scheduler: Any) -> None:
        """Sigmas fall evenly, then are shifted by the number of tokens and of steps."""
        steps = recipe.num_inference_steps
        rows, columns = self._grid(recipe)
        mu = compute_empirical_mu(rows * columns, steps)
        sigmas = np.linspace(1.0, 1 / steps, steps)
        set_flow_timesteps(scheduler, sigmas.tolist(), self._parts.device, mu)

    def _grid(self, recipe: Recipe) -> tuple[int, int]:
        """Rows and columns of the tokens."""
        side = PATCH * self._pipe.vae_scale_factor
        return recipe.height // side, recipe.width // side

    def new_noise(self, recipe: Recipe, generator: torch.Generator) -> torch.Tensor:
        """Drawn as a grid of tokens, then packed, shape (1, tokens, channels)."""
        transformer = self._pipe.transformer
        shape = (1, transformer.config.in_channels, *self._grid(recipe))
        noise = randn_tensor(shape, generator, self._parts.device, transformer.dtype)
        return cast(torch.Tensor, self._pipe._pack_latents(noise))

    def denoise(self, calls: Sequence[DenoiserInput]) -> torch.Tensor:
        """The transformer's velocity, shape (calls, tokens, channels)."""
        transformer = self._pipe.transformer
        sample = torch.cat([call.sample for call in calls])
        own = calls[0].row.own
        tokens, ids = sample, own["ids"]
        if "reference" in own:
            shown = torch.cat([call.row.own["reference"] for call in calls])
            tokens, ids = torch.cat([tokens, shown], 1), torch.cat([ids, own["reference_ids"]], 1)
        predictions = transformer(
            hidden_states=tokens.to(transformer.dtype),
            timestep=torch.stack([call.timestep for call in calls]).to(sample.dtype) / 1000,
            guidance=None,
            encoder_hidden_states=stack_conditioning(calls, "embeds"),
            txt_ids=calls[0].conditioning["ids"],
            img_ids=ids,
            return_dict=False,
        )[0]
        return cast(torch.Tensor, predictions[:, : sample.shape[1]])

    def decode(self, row: LatentSample) -> torch.Tensor:
        """The VAE's decoder on latents that are given back their mean and spread."""
        vae = self._pipe.vae
        latents = self._squares(row.latents, row.recipe)
        mean = vae.bn.running_mean.view(1, -1, 1, 1).to(latents)
        variance = vae.bn.running_var.view(1, -1, 1, 1) + vae.config.batch_norm_eps
        latents = latents * variance.sqrt().to(latents) + mean
        latents = self._pipe._unpatchify_latents(latents).to(vae.dtype)
        return cast(torch.Tensor, vae.decode(latents, return_dict=False)[0])

    def _squares(self, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        """Packed latents in the shape (1, channels, height / 16, width / 16)."""
        return latents.mT.reshape(1, -1, *self._grid(recipe))

    def as_grid(self, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        """Shape (1, channels / 4, height / 8, width / 8), still normalised."""
        squares = self._squares(latents, recipe)
        return cast(torch.Tensor, self._pipe._unpatchify_latents(squares))
