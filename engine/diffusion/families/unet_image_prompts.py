"""Reference pictures for the UNet families, shown by an IP-Adapter."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

from PIL import Image

from engine.devices.executor_setup import FindIPAdapter, no_ip_adapter
from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.families.latent_sample import DenoiserBatch, DenoiserInput, LatentSample
from engine.diffusion.families.unet_inpainting import UNetInpainting
from engine.diffusion.image_prompts import ImagePrompt, ImagePrompts, PictureAttention
from engine.diffusion.image_prompts.prompt import Row
from engine.images.colours import on_white
from engine.jobs.recipe import Recipe

IMAGE_PROMPT = "image_prompt"
"""Where a sample keeps the pictures that it is shown."""


class UNetImagePrompts(UNetInpainting):
    """A family whose cross-attention can be shown pictures.

    Rows with pictures and without share a batch.
    """

    def __init__(self, *args: Any, find_ip_adapter: FindIPAdapter = no_ip_adapter, **kwargs: Any):
        """As `Stepped`; `find_ip_adapter` finds the files."""
        super().__init__(*args, **kwargs)
        self._image_prompts = ImagePrompts(
            self._pipe, self._components, self.family, find_ip_adapter
        )
        self._attention = PictureAttention(self._pipe.unet)

    def load_adapters(self, recipe: Recipe) -> None:
        """Load the LoRAs, and the IP-Adapter if the recipe has references.

        Raises:
            ModelUnavailable: The IP-Adapter can't be had or loaded.
        """
        super().load_adapters(recipe)
        if recipe.references:
            self._image_prompts.ensure()

    def begin(
        self,
        recipe: Recipe,
        init_image: InitImage | None = None,
        references: Sequence[Image.Image] = (),
        control: Image.Image | None = None,
    ) -> list[Sample]:
        """Encode the references and the prompt once, and make a sample for each seed."""
        if not references:
            return super().begin(recipe, init_image, control=control)
        self.load_adapters(recipe)
        shown = self._image_prompts.encode(
            recipe, [on_white(image) for image in references], guided=self.uses_guidance(recipe)
        )
        samples = super().begin(recipe, init_image, control=control)
        for sample in samples:
            cast(LatentSample, sample).extra[IMAGE_PROMPT] = shown
        return samples

    def attending(self, batch: DenoiserBatch) -> AbstractContextManager[None]:
        """Have each row of the next denoiser call see its sample's pictures."""
        return self._attention.attending([_row_of(each) for each in batch.inputs])

    def is_hooked(self, batch: DenoiserBatch) -> bool:
        """Whether a row is shown pictures, which hooks do."""
        return any(IMAGE_PROMPT in sample.extra for sample in batch.samples)


def _row_of(row: DenoiserInput) -> Row:
    prompt: ImagePrompt | None = row.sample.extra.get(IMAGE_PROMPT)
    if prompt is None:
        return ()
    conditioning = row.sample.conditioning
    negative = len(conditioning) == 2 and row.conditioning is conditioning[0]
    return prompt.row(negative=negative)
