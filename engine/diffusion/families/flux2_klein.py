"""FLUX.2 klein: a transformer over packed latents, prompted through three layers of Qwen3.

The transformer sees the tokens of reference pictures beside those of the new picture in each call,
and the prompt says what to take of them or what to change.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image
from torch.nn import functional

from engine.diffusion.families.base import InitImage
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow_family import PATCH, FlowFamily
from engine.diffusion.families.latent_sample import DenoiserBatch, LatentSample
from engine.diffusion.families.masks import binary_mask
from engine.diffusion.families.references import at_least
from engine.diffusion.latent_rgb import FLUX_2
from engine.jobs.recipe import Recipe

MIN_SIDE = 64
"""Pixels: the smallest side of a reference picture (`Flux2ImageProcessor`)."""


class Flux2Klein(FlowFamily):
    """A loaded `Flux2KleinPipeline`; the four latents of a patch are one token."""

    family = "flux2-klein"
    latent_map = FLUX_2

    def uses_guidance(self, recipe: Recipe) -> bool:
        """A distilled model paints without."""
        return super().uses_guidance(recipe) and not self._pipe.config.is_distilled

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """Hidden states of three layers side by side, and the tokens' coordinates.

        Shapes (1, tokens, 3 · dim) and (1, tokens, 4), always padded to the same length.
        """
        embeds, ids = self._pipe.encode_prompt(text, self._components.device)
        return {"embeds": embeds, "ids": ids}

    def encode_image(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """The VAE's most likely latents, normalised and packed; nothing is drawn."""
        latents = self._pipe._encode_vae_image(pixels, generator)
        return cast(torch.Tensor, self._pipe._pack_latents(latents.to(self.noise_dtype(recipe))))

    def prepare(self, sample: LatentSample, init_image: InitImage | None) -> None:
        """Add the tokens' coordinates, and the mask at one number a token, shape (1, tokens, 1)."""
        rows, columns = self.token_grid(sample.recipe)
        ids = self._pipe._prepare_latent_ids(torch.empty(1, 1, rows, columns))
        sample.extra["ids"] = ids.to(self._components.device)
        if init_image is not None and init_image.mask is not None:
            mask = binary_mask(init_image.mask, sample.recipe)
            mask = functional.interpolate(mask, size=(rows, columns), mode="bilinear")
            sample.extra["mask"] = self._pipe._pack_latents(mask.to(sample.latents))

    def encode_references(self, references: Sequence[Image.Image]) -> dict[str, Any]:
        """Tokens of pictures at their own sizes.

        Returns:
            `reference` of shape (1, tokens, channels), their coordinates `reference_ids` of shape
            (1, tokens, 4), and `reference_sizes`, rows and columns of tokens of each.

        Raises:
            InvalidRequest: One is too narrow.
        """
        latents = [
            self._pipe._encode_vae_image(self._reference_pixels(image), generator=None)
            for image in references
        ]
        return {
            "reference": torch.cat([self._pipe._pack_latents(each) for each in latents], dim=1),
            "reference_ids": self._pipe._prepare_image_ids(latents).to(latents[0].device),
            "reference_sizes": tuple(tuple(each.shape[2:]) for each in latents),
        }

    def _reference_pixels(self, image: Image.Image) -> torch.Tensor:
        """At most one megapixel, cropped to whole tokens; -1 to 1, shape (1, 3, h, w)."""
        processor = self._pipe.image_processor
        image = processor._resize_if_exceeds_area(at_least(image, MIN_SIDE))
        side = PATCH * self._pipe.vae_scale_factor
        width, height = (pixels // side * side for pixels in image.size)
        pixels = processor.preprocess(image, height=height, width=width, resize_mode="crop")
        return cast(torch.Tensor, pixels.to(self._components.device, self._pipe.vae.dtype))

    def shift_mu(self, recipe: Recipe, scheduler: Any) -> float:
        """By the number of tokens and of steps, as FLUX.2 was tuned."""
        mu = compute_empirical_mu(self.image_seq_len(recipe), recipe.num_inference_steps)
        return cast(float, mu)

    def new_noise(self, recipe: Recipe, generator: torch.Generator) -> torch.Tensor:
        """Drawn in patches, then packed, shape (1, tokens, channels)."""
        shape = (1, self.latent_channels, *self.token_grid(recipe))
        dtype = self.noise_dtype(recipe)
        noise = randn_tensor(shape, generator, self._components.device, dtype)
        return cast(torch.Tensor, self._pipe._pack_latents(noise))

    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """The transformer's velocity, shape (inputs, tokens, channels)."""
        transformer = self._pipe.transformer
        latents, first = batch.latents, batch.inputs[0]
        extra = first.sample.extra
        tokens, ids = latents, extra["ids"]
        if "reference" in extra:
            tokens = torch.cat([tokens, batch.extra("reference")], 1)
            ids = torch.cat([ids, extra["reference_ids"]], 1)
        velocity = transformer(
            hidden_states=tokens.to(transformer.dtype),
            timestep=batch.timesteps.to(latents.dtype) / 1000,
            guidance=None,
            encoder_hidden_states=batch.conditioning("embeds"),
            txt_ids=first.conditioning["ids"],
            img_ids=ids,
            return_dict=False,
        )[0]
        return cast(torch.Tensor, velocity[:, : latents.shape[1]])

    def decode(self, sample: LatentSample) -> torch.Tensor:
        """The VAE's decoder on latents denormalised by its batch norm."""
        vae = self._pipe.vae
        latents = self._patches(sample.latents, sample.recipe)
        mean = vae.bn.running_mean.view(1, -1, 1, 1).to(latents)
        variance = vae.bn.running_var.view(1, -1, 1, 1) + vae.config.batch_norm_eps
        latents = latents * variance.sqrt().to(latents) + mean
        latents = self._pipe._unpatchify_latents(latents).to(vae.dtype)
        return cast(torch.Tensor, vae.decode(latents, return_dict=False)[0])

    def _patches(self, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        """Packed latents in the shape (1, channels, height / 16, width / 16)."""
        return latents.mT.reshape(1, -1, *self.token_grid(recipe))

    def unpack(self, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        """Shape (1, channels / 4, height / 8, width / 8), still normalised."""
        patches = self._patches(latents, recipe)
        return cast(torch.Tensor, self._pipe._unpatchify_latents(patches))
