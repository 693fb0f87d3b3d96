"""Qwen-Image 2.1: one stream of words and pictures, prompted through Qwen3-VL.

A reference picture is shown to the text encoder and, at the place in the prompt where that reads
it, to the transformer as tokens. Its VAE reads and paints transparency.

The transformer takes one layout of the stream for all rows of a call, and padding would move the
picture's position. So only samples whose prompts have the same length share a batch, and a negative
prompt of another length gets a call of its own. Words and references could be kept from step to
step, as the pipeline does, but that takes half a megabyte for each of their tokens, two gigabytes
for a reference: here they are computed anew, as with its `use_kv_cache=False`.
"""

from collections.abc import Hashable, Sequence
from typing import Any, cast

import torch
from diffusers.pipelines.qwenimage21.pipeline_qwenimage21 import calculate_dimensions
from PIL import Image

from engine.diffusion.families.base import Sample
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow_family import FlowFamily
from engine.diffusion.families.latent_sample import DenoiserBatch, LatentSample
from engine.jobs.recipe import Recipe

RESOLUTION = 1024
"""A reference is scaled to the area of a square with this side, pixels (`output_resolution`)."""

SLOT = 4
"""Tokens of the transformer for each token that a picture is for the text encoder."""

OPAQUE = 250
"""A picture whose opacity is nowhere less than this, of 255, isn't meant to be transparent."""


class QwenImage21(FlowFamily):
    """A loaded `QwenImage21Pipeline`; each latent is a token."""

    family = "qwen-image-2.1"

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """As `encode_prompt_beside` no pictures."""
        return self.encode_prompt_beside((), text, negative=negative)

    def encode_prompt_beside(
        self, references: Sequence[Image.Image], text: str, *, negative: bool
    ) -> Conditioning:
        """Embeddings of the tokens, shape (1, tokens, dim), and which of them are pictures."""
        resize = self._pipe.image_processor.resize
        shown = [resize(image.convert("RGBA"), *_size(image)) for image in references]
        embeds, _, pictures = self._pipe.encode_prompt(text, shown or None, self._components.device)
        return {"embeds": embeds, "pictures": pictures}

    def encode_references(self, references: Sequence[Image.Image]) -> dict[str, Any]:
        """Tokens of pictures, each scaled to a megapixel.

        Returns:
            `reference` of shape (1, tokens, channels), and `reference_sizes`, rows and columns of
            tokens of each.
        """
        latents = [self._latents_of(self._pixels_of(image)) for image in references]
        return {
            "reference": torch.cat([self.pack(each) for each in latents], dim=1),
            "reference_sizes": tuple(tuple(each.shape[2:]) for each in latents),
        }

    def _pixels_of(self, image: Image.Image) -> torch.Tensor:
        """Colours and opacity, -1 to 1, shape (1, 4, height, width)."""
        processor = self._pipe.image_processor
        pixels = processor.preprocess(image.convert("RGBA"), *_size(image))
        return cast(torch.Tensor, pixels.to(self._components.device, self._pipe.vae.dtype))

    def _latents_of(self, pixels: torch.Tensor) -> torch.Tensor:
        """The most likely ones, normalised, shape (1, channels, rows, columns)."""
        latents = self._pipe._encode_vae_image(pixels[:, :, None], generator=None)
        return cast(torch.Tensor, latents[:, :, 0].to(self._pipe.transformer.dtype))

    def encode_image(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """The VAE's most likely latents of an opaque picture; nothing is drawn."""
        opacity = torch.ones_like(pixels[:, :1])
        latents = self._latents_of(torch.cat([pixels, opacity], dim=1))
        return self.pack(latents.to(self.noise_dtype(recipe)))

    def batch_key(self, sample: Sample) -> Hashable:
        """Samples of one size, with references of one size and prompts of one length."""
        prompt = cast(LatentSample, sample).conditioning[-1]["embeds"]
        return super().batch_key(sample), prompt.shape[1]

    def token_grid(self, recipe: Recipe) -> tuple[int, int]:
        """Rows and columns of the latents."""
        return self.latent_size(recipe)

    def pack(self, latents: torch.Tensor) -> torch.Tensor:
        """Shape (1, tokens, channels)."""
        return latents.flatten(2).mT

    def unpack(self, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        """Shape (1, channels, height / 16, width / 16)."""
        return latents.mT.reshape(1, -1, *self.token_grid(recipe))

    def noise_dtype(self, recipe: Recipe) -> torch.dtype:
        """The text encoder's precision."""
        return cast(torch.dtype, self._pipe.text_encoder.dtype)

    def sigmas(self, recipe: Recipe) -> Sequence[float] | None:
        """Those that a distilled model was made for, if the recipe has as many steps."""
        own = self._pipe.config.get("sample_sigmas")
        if own is not None and len(own) == recipe.num_inference_steps:
            return cast(Sequence[float], own)
        return super().sigmas(recipe)

    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """The transformer's velocity, shape (inputs, tokens, channels)."""
        places: dict[int, list[int]] = {}
        for place, each in enumerate(batch.inputs):
            places.setdefault(each.conditioning["embeds"].shape[1], []).append(place)
        velocity = torch.empty_like(batch.latents)
        for same in places.values():
            velocity[same] = self._velocity(DenoiserBatch([batch.inputs[at] for at in same]))
        return velocity

    def _velocity(self, batch: DenoiserBatch) -> torch.Tensor:
        """That of inputs whose prompts have one length."""
        latents, pictures = batch.latents, batch.conditioning("pictures")
        tokens, sizes = latents, batch.samples[0].extra.get("reference_sizes", ())
        if sizes:
            tokens = torch.cat([batch.extra("reference"), latents], dim=1)
        shapes = [(1, rows, columns) for rows, columns in (*sizes, self.token_grid(batch.recipe))]
        painted = pictures.new_ones(len(batch.inputs), latents.shape[1] // SLOT)
        velocity = self._pipe.transformer(
            hidden_states=tokens,
            timestep=batch.timesteps.to(latents.dtype) / 1000,
            encoder_hidden_states=batch.conditioning("embeds"),
            img_shapes=[shapes] * len(batch.inputs),
            img_mask=torch.cat([pictures, painted], dim=1),
            return_dict=False,
        )[0]
        return cast(torch.Tensor, velocity[:, -latents.shape[1] :])

    def decode(self, sample: LatentSample) -> torch.Tensor:
        """The VAE's decoder on denormalised latents, as one frame, shape (1, 4, height, width)."""
        vae = self._pipe.vae
        latents = self.unpack(sample.latents, sample.recipe)[:, :, None].to(vae.dtype)
        mean, deviation = (
            torch.tensor(values).view(1, -1, 1, 1, 1).to(latents)
            for values in (vae.config.latents_mean, vae.config.latents_std)
        )
        latents = latents * deviation + mean
        return cast(torch.Tensor, vae.decode(latents, return_dict=False)[0][:, :, 0])

    def finish(self, sample: Sample) -> Image.Image:
        """Decode the latents; RGB if nothing in the picture is transparent."""
        image = super().finish(sample)
        least, _ = cast(tuple[int, int], image.getchannel("A").getextrema())
        return image.convert("RGB") if least >= OPAQUE else image


def _size(image: Image.Image) -> tuple[int, int]:
    """Height and width in which a picture is shown, in multiples of 32."""
    width, height, _ = calculate_dimensions(RESOLUTION * RESOLUTION, image.width / image.height)
    return height, width
