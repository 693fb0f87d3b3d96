"""Stable Diffusion XL: a UNet told by two text encoders, and by the sizes of its training pictures.

Those sizes, the micro-conditioning of Podell et al., "SDXL", 2023, section 2.2, are given as
Diffusers gives them by default: a picture that was as large as it is to be, and not cropped.
"""

from collections.abc import Sequence
from typing import Any

import torch

from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.stepped import DenoiserInput, LatentSample, stack_conditioning
from engine.diffusion.families.unet import UNetFamily
from engine.errors import ModelUnavailable
from engine.jobs.request import Recipe
from speech import say


class StableDiffusionXL(UNetFamily):
    """A loaded `StableDiffusionXLPipeline`, stepped row by row."""

    family = "sdxl"

    def begin(self, recipe: Recipe, start: InitImage | None = None) -> list[Sample]:
        """Encode the prompt once and make a row for each seed.

        Raises:
            ModelUnavailable: When this is the refiner, which lacks the first text encoder.
        """
        if self._pipe.text_encoder is None:
            raise ModelUnavailable(
                say(
                    "{model} is the Stable Diffusion XL refiner, which only finishes what a "
                    "base model started. Choose a base model, which paints on its own.",
                    model=recipe.model,
                )
            )
        return super().begin(recipe, start)

    def encode(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of the tokens, shape (1, tokens, dim), and of the text, shape (1, dim).

        No negative prompt is all zeros for models that were trained so.
        """
        encoded = self.read(text, penultimate=True)
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
        """Tell the scheduler how many steps there are, and that it starts at the first.

        Some round two timesteps to the same number, and would take the first for the second.
        """
        super().set_timesteps(recipe, scheduler)
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(0)

    def prepare(self, row: LatentSample, start: InitImage | None) -> None:
        """Note original size, crop and target size, shape (1, 6)."""
        super().prepare(row, start)
        size = (row.recipe.height, row.recipe.width)
        row.own["time_ids"] = row.latents.new_tensor([[*size, 0, 0, *size]])

    def conditions(self, calls: Sequence[DenoiserInput]) -> dict[str, torch.Tensor]:
        """The embedding of the text, and the sizes of the row."""
        return {
            "text_embeds": stack_conditioning(calls, "pooled"),
            "time_ids": torch.cat([call.row.own["time_ids"] for call in calls]),
        }
