"""Stable Diffusion 1.x and 2.x: a UNet over latents, prompted through a CLIP text encoder."""

from typing import Any, cast

from PIL import Image

from engine.diffusion.families.base import Sample
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.latent_sample import LatentSample
from engine.diffusion.families.unet import UNetFamily
from engine.diffusion.overflow import require_finite
from engine.diffusion.previews import STABLE_DIFFUSION_1
from engine.errors import Withheld
from engine.memory.plan import Stage
from speech import say


class StableDiffusion(UNetFamily):
    """A loaded `StableDiffusionPipeline`."""

    family = "sd"
    latent_map = STABLE_DIFFUSION_1

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of the tokens, shape (1, tokens, dim)."""
        [encoded] = self.encode_with_each(text, penultimate=False)
        return {"embeds": encoded.hidden}

    def finish(self, sample: Sample) -> Image.Image:
        """Decode the latents.

        Raises:
            NumbersOverflowed: The pixels aren't finite.
            Withheld: The model has a safety checker, which flagged the picture.
        """
        with self._components.use("vae", "safety_checker", stage=Stage.DECODE):
            pixels = self.decoded(cast(LatentSample, sample))
            require_finite(pixels, Stage.DECODE)
            flagged = self._flagged(pixels)
        if flagged and any(flagged):
            raise Withheld(say("The model's own safety checker blocked this picture."))
        [image] = self._pipe.image_processor.postprocess(pixels, output_type="pil")
        return cast(Image.Image, image)

    def _flagged(self, pixels: Any) -> Any:
        return self._pipe.run_safety_checker(pixels, pixels.device, pixels.dtype)[1]
