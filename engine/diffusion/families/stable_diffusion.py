"""Stable Diffusion 1.x and 2.x: a UNet over latents, guided by a CLIP text encoder."""

from typing import Any, cast

from PIL import Image

from engine.diffusion.families.base import Sample
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.stepped import LatentSample
from engine.diffusion.families.unet import UNetFamily
from engine.errors import Withheld
from speech import say


class StableDiffusion(UNetFamily):
    """A loaded `StableDiffusionPipeline`, stepped row by row."""

    family = "sd"

    def encode(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of the tokens, shape (1, tokens, dim)."""
        [encoded] = self.read(text, penultimate=False)
        return {"embeds": encoded.hidden}

    def finish(self, row: Sample) -> Image.Image:
        """Decode the latents.

        Raises:
            Withheld: When the model brings a safety checker and that one objects.
        """
        latent_row = cast(LatentSample, row)
        with self._parts.use("vae", "safety_checker"):
            decoded = self.decode(latent_row)
            flagged = self._objections(decoded)
        if flagged and any(flagged):
            raise Withheld(say("The model's own safety checker blocked this picture."))
        [image] = self._pipe.image_processor.postprocess(decoded, output_type="pil")
        return cast(Image.Image, image)

    def _objections(self, decoded: Any) -> Any:
        return self._pipe.run_safety_checker(decoded, decoded.device, decoded.dtype)[1]
