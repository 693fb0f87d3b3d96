"""Stable Diffusion XL: a UNet prompted through two CLIP text encoders, and conditioned on sizes.

The sizes, the micro-conditioning of Podell et al., "SDXL", 2023, section 2.2, are Diffusers'
defaults: an original as large as the picture is to be, and not cropped.
"""

from typing import Any

import torch

from engine.diffusion.families.base import InitImage
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.latent_sample import DenoiserBatch, LatentSample
from engine.diffusion.families.unet import UNetFamily
from engine.diffusion.previews import STABLE_DIFFUSION_XL
from engine.errors import ModelUnavailable
from engine.jobs.recipe import Recipe
from speech import say


class StableDiffusionXL(UNetFamily):
    """A loaded `StableDiffusionXLPipeline`."""

    family = "sdxl"
    latent_map = STABLE_DIFFUSION_XL

    def load_adapters(self, recipe: Recipe) -> None:
        """Load them once.

        Raises:
            ModelUnavailable: This is the refiner, which lacks the first text encoder.
        """
        if self._pipe.text_encoder is None:
            raise ModelUnavailable(
                say(
                    "{model} is the Stable Diffusion XL refiner, which only finishes what a "
                    "base model started. Choose a base model, which paints on its own.",
                    model=recipe.model,
                )
            )
        super().load_adapters(recipe)

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of the tokens, shape (1, tokens, dim), and of the text, shape (1, dim).

        A missing negative prompt is all zeros for models that were trained so.
        """
        encoded = self.encode_with_each(text, penultimate=True)
        pooled = encoded[-1].pooled
        assert pooled is not None, "the last text encoder has a projection"
        conditioning = {
            "embeds": torch.cat([one.hidden for one in encoded], dim=-1),
            "pooled": pooled,
        }
        if negative and not text and self._pipe.config.force_zeros_for_empty_prompt:
            return {name: torch.zeros_like(value) for name, value in conditioning.items()}
        return conditioning

    def set_timesteps(self, recipe: Recipe, scheduler: Any) -> None:
        """Set the scheduler's timesteps, and that it starts at the first.

        Some round two timesteps to the same number, and would take the first for the second.
        """
        super().set_timesteps(recipe, scheduler)
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(0)

    def prepare(self, sample: LatentSample, init_image: InitImage | None) -> None:
        """Add original size, crop and target size, shape (1, 6)."""
        super().prepare(sample, init_image)
        size = (sample.recipe.height, sample.recipe.width)
        sample.extra["time_ids"] = sample.latents.new_tensor([[*size, 0, 0, *size]])

    def added_conditions(self, batch: DenoiserBatch) -> dict[str, torch.Tensor]:
        """The pooled embedding of the prompt, and the sizes."""
        return {"text_embeds": batch.conditioning("pooled"), "time_ids": batch.extra("time_ids")}
