"""Qwen-Image-Edit: Qwen-Image that is shown pictures, twice: to the text encoder and as tokens.

Both the prompt and the negative one are read beside the pictures, which are small then; their
tokens follow those of the new picture in each call of the transformer.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import (
    CONDITION_IMAGE_SIZE,
    VAE_IMAGE_SIZE,
    calculate_dimensions,
)
from PIL import Image

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow_family import PATCH
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.diffusion.families.qwen_image import ImageShape, QwenImage


class QwenImageEdit(QwenImage):
    """A loaded `QwenImageEditPlusPipeline`."""

    family = "qwen-image-edit"

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of the tokens, shape (1, tokens, dim)."""
        return self.encode_prompt_beside((), text, negative=negative)

    def encode_prompt_beside(
        self, references: Sequence[Image.Image], text: str, *, negative: bool
    ) -> Conditioning:
        """Embeddings of the tokens of pictures and words, shape (1, tokens, dim)."""
        resize = self._pipe.image_processor.resize
        shown = [resize(image, *_size(image, CONDITION_IMAGE_SIZE)) for image in references]
        with _token_types(self._pipe.text_encoder):
            embeds, _ = self._pipe.encode_prompt(
                text or " ", shown or None, self._components.device
            )
        return {"embeds": embeds}

    def encode_references(self, references: Sequence[Image.Image]) -> dict[str, Any]:
        """Tokens of pictures, each scaled to a megapixel.

        Returns:
            `reference` of shape (1, tokens, 64), and `reference_sizes`, rows and columns of tokens
            of each.
        """
        latents = [self._latents_of(image) for image in references]
        return {
            "reference": torch.cat([self.pack(each[:, :, 0]) for each in latents], dim=1),
            "reference_sizes": tuple(
                (each.shape[3] // PATCH, each.shape[4] // PATCH) for each in latents
            ),
        }

    def _latents_of(self, image: Image.Image) -> torch.Tensor:
        """The most likely latents of one frame, normalised, shape (1, 16, 1, height, width)."""
        vae = self._pipe.vae
        pixels = self._pipe.image_processor.preprocess(image, *_size(image, VAE_IMAGE_SIZE))
        pixels = pixels.to(self._components.device, vae.dtype)[:, :, None]
        latents = self._pipe._encode_vae_image(pixels, generator=None)
        return cast(torch.Tensor, latents.to(self._pipe.transformer.dtype))

    def image_tokens(self, batch: DenoiserBatch) -> tuple[torch.Tensor, list[ImageShape]]:
        """Those of the new pictures, then those of the pictures that are shown."""
        tokens, shapes = super().image_tokens(batch)
        sizes = batch.samples[0].extra.get("reference_sizes")
        if sizes is None:
            return tokens, shapes
        shapes += [(1, rows, columns) for rows, columns in sizes]
        return torch.cat([tokens, batch.extra("reference")], dim=1), shapes


def _size(image: Image.Image, area: int) -> tuple[int, int]:
    """Height and width near `area` pixels, in multiples of 32."""
    width, height = calculate_dimensions(area, image.width / image.height)
    return height, width


@contextmanager
def _token_types(text_encoder: Any) -> Iterator[None]:
    """Tell the text encoder which tokens are pictures, so that it gives them rows and columns.

    Transformers 5 wants to be told, which the pipeline doesn't do (huggingface/diffusers#14194);
    pictures then count as words, unlike in training.
    """

    def tell(_: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        types = kwargs["input_ids"] == text_encoder.config.image_token_id
        return args, {"mm_token_type_ids": types.int()} | kwargs

    handle = text_encoder.register_forward_pre_hook(tell, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
