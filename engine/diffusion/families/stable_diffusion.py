"""Stable Diffusion 1.x and 2.x: a UNet over latents, guided by a CLIP text encoder."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image

from engine.diffusion.families.base import Row, Start
from engine.diffusion.families.embeddings import Told
from engine.diffusion.families.stepped import Call, LatentRow, Stepped, stacked
from engine.errors import Withheld
from engine.requests import Recipe


class StableDiffusion(Stepped):
    """A loaded `StableDiffusionPipeline`, stepped row by row."""

    family = "sd"

    def guided(self, recipe: Recipe) -> bool:
        """A model that is distilled on its guidance takes it as a number instead."""
        return recipe.guidance_scale > 1 and not self._distilled

    @property
    def _distilled(self) -> bool:
        return self._pipe.unet.config.time_cond_proj_dim is not None

    def encode(self, text: str, *, negative: bool) -> Told:
        """Embeddings of the tokens, shape (1, tokens, dim)."""
        embeds, _ = self._pipe.encode_prompt(text, self._parts.device, 1, False)
        return {"embeds": embeds}

    def new_noise(self, recipe: Recipe, generator: torch.Generator) -> torch.Tensor:
        """Shape (1, channels, height / 8, width / 8)."""
        factor = self._pipe.vae_scale_factor
        shape = (
            1,
            self._pipe.vae.config.latent_channels,
            recipe.height // factor,
            recipe.width // factor,
        )
        device, dtype = self._parts.device, self._pipe.unet.dtype
        return cast(torch.Tensor, randn_tensor(shape, generator, device, dtype))

    def prepare(self, row: LatentRow, start: Start | None) -> None:
        """Embed the guidance for models that are distilled on it (LCM), shape (1, dim)."""
        if self._distilled:
            row.own["guidance"] = self._guidance_condition(row.recipe.guidance_scale, row.latents)

    def _guidance_condition(self, guidance_scale: float, like: torch.Tensor) -> torch.Tensor:
        weight = torch.tensor([guidance_scale - 1])
        dim = self._pipe.unet.config.time_cond_proj_dim
        embedding = self._pipe.get_guidance_scale_embedding(weight, embedding_dim=dim)
        return cast(torch.Tensor, embedding.to(device=like.device, dtype=like.dtype))

    def denoise(self, calls: Sequence[Call]) -> torch.Tensor:
        """The UNet's prediction, shape (calls, channels, h, w)."""
        conditions = [call.row.own["guidance"] for call in calls if self._distilled]
        predictions = self._pipe.unet(
            torch.cat([call.sample for call in calls]),
            torch.stack([call.timestep for call in calls]),
            encoder_hidden_states=stacked(calls, "embeds"),
            timestep_cond=torch.cat(conditions) if conditions else None,
            return_dict=False,
        )[0]
        return cast(torch.Tensor, predictions)

    def encode_picture(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """A sample of the VAE's distribution, shape as `new_noise`."""
        vae = self._pipe.vae
        latents = vae.encode(pixels).latent_dist.sample(generator) * vae.config.scaling_factor
        return cast(torch.Tensor, latents.to(self._pipe.unet.dtype))

    def decode(self, row: LatentRow) -> torch.Tensor:
        """The VAE's decoder on the unscaled latents."""
        vae = self._pipe.vae
        latents = row.latents.to(vae.dtype) / vae.config.scaling_factor
        return cast(torch.Tensor, vae.decode(latents, return_dict=False)[0])

    def finish(self, row: Row) -> Image.Image:
        """Decode the latents.

        Raises:
            Withheld: When the model brings a safety checker and that one objects.
        """
        latent_row = cast(LatentRow, row)
        with self._parts.use("vae", "safety_checker"):
            decoded = self.decode(latent_row)
            flagged = self._objections(decoded)
        if flagged and any(flagged):
            raise Withheld("The model's own safety checker held this picture back.")
        [image] = self._pipe.image_processor.postprocess(decoded, output_type="pil")
        return cast(Image.Image, image)

    def _objections(self, decoded: torch.Tensor) -> Any:
        return self._pipe.run_safety_checker(decoded, decoded.device, decoded.dtype)[1]
