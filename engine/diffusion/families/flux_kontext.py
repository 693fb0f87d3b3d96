"""FLUX.1 Kontext: FLUX.1 [dev], trained to see a picture beside the one that it paints.

The picture's tokens follow those of the new one in each call, and the prompt says what to change.
Without a picture it paints from the prompt alone.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from diffusers.pipelines.flux.pipeline_flux_kontext import PREFERRED_KONTEXT_RESOLUTIONS
from PIL import Image

from engine.diffusion.families.flow_family import PATCH
from engine.diffusion.families.flux import Flux
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.jobs.recipe import Recipe


class FluxKontext(Flux):
    """A loaded `FluxKontextPipeline`."""

    family = "flux-kontext"

    def encode_image(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """The VAE's most likely latents, normalised and packed; nothing is drawn."""
        return self.pack(self._latents_of(pixels).to(self.noise_dtype(recipe)))

    def encode_references(self, references: Sequence[Image.Image]) -> dict[str, Any]:
        """Tokens of a picture, scaled to the size of those trained on that is shaped like it most.

        Returns:
            `reference` of shape (1, tokens, channels · 4), and `reference_sizes`, rows and columns
            of its tokens, in a tuple.
        """
        [image] = references
        processor = self._pipe.image_processor
        _, width, height = min(
            (abs(image.width / image.height - width / height), width, height)
            for width, height in PREFERRED_KONTEXT_RESOLUTIONS
        )
        pixels = processor.preprocess(processor.resize(image, height, width), height, width)
        latents = self._latents_of(pixels.to(self._components.device, self._pipe.vae.dtype))
        rows, columns = (side // PATCH for side in latents.shape[2:])
        return {
            "reference": self.pack(latents.to(self._pipe.transformer.dtype)),
            "reference_sizes": ((rows, columns),),
        }

    def _latents_of(self, pixels: torch.Tensor) -> torch.Tensor:
        return cast(torch.Tensor, self._pipe._encode_vae_image(pixels, generator=None))

    def image_tokens(self, batch: DenoiserBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """Those of the new pictures, then those of the one that is shown, with coordinate 1."""
        tokens, ids = super().image_tokens(batch)
        sizes = batch.samples[0].extra.get("reference_sizes")
        if sizes is None:
            return tokens, ids
        shown = self.coordinates(sizes[0], tokens)
        shown[:, 0] = 1
        return torch.cat([tokens, batch.extra("reference")], 1), torch.cat([ids, shown])
