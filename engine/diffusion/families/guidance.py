"""Guidance of the families whose scale begins at 0, not at 1."""

import torch

from engine.diffusion.families.latent_family import LatentFamily
from engine.diffusion.families.latent_sample import LatentSample
from engine.jobs.recipe import Recipe


class GuidanceFromZero(LatentFamily):
    """A family whose scale is how far a prediction is moved beyond that for the prompt."""

    def uses_guidance(self, recipe: Recipe) -> bool:
        """Anything above zero counts: 1 already doubles the prompt's pull."""
        return recipe.guidance_scale > 0

    def apply_guidance(
        self, sample: LatentSample, negative: torch.Tensor, positive: torch.Tensor
    ) -> torch.Tensor:
        """Classifier-free guidance with w = scale, where other families have w = scale - 1."""
        return positive + sample.recipe.guidance_scale * (positive - negative)
