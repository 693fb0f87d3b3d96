"""Z-Image: one stream of text and image tokens, prompted through Qwen3."""

from collections.abc import Sequence

import torch
from diffusers.pipelines.z_image.pipeline_z_image import get_default_z_image_sigmas

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow_family import FlowFamily
from engine.diffusion.families.latent_sample import DenoiserBatch, LatentSample
from engine.diffusion.latent_rgb import FLUX
from engine.jobs.request import Recipe


class ZImage(FlowFamily):
    """A loaded `ZImagePipeline`; guidance has its defaults: not normalised, not truncated."""

    family = "z-image"
    latent_map = FLUX

    def uses_guidance(self, recipe: Recipe) -> bool:
        """Anything above zero counts: 1 already doubles the prompt's pull."""
        return recipe.guidance_scale > 0

    def apply_guidance(
        self, sample: LatentSample, negative: torch.Tensor, positive: torch.Tensor
    ) -> torch.Tensor:
        """Classifier-free guidance with w = scale, where other families have w = scale - 1."""
        return positive + sample.recipe.guidance_scale * (positive - negative)

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of the tokens without padding, shape (1, tokens, dim)."""
        [embeds], _ = self._pipe.encode_prompt(text, self._components.device, False)
        return {"embeds": embeds[None]}

    def sigmas(self, recipe: Recipe) -> Sequence[float]:
        """As the pipeline rounds them."""
        sigmas: list[float] = get_default_z_image_sigmas(recipe.num_inference_steps)
        return sigmas

    def noise_dtype(self, recipe: Recipe) -> torch.dtype:
        """Single precision, but the transformer's for image-to-image, as in the pipelines."""
        return super().noise_dtype(recipe) if recipe.image else torch.float32

    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """The transformer's velocity, float32, shape (inputs, channels, h, w).

        Its time runs from 0, noise, to 1, and its velocity points from noise to picture, against
        the scheduler's. It pads prompts of different length itself, and masks the padding.
        """
        latents = batch.latents.to(self._pipe.transformer.dtype).unsqueeze(2)
        velocity = self._pipe.transformer(
            list(latents),
            (1000 - batch.timesteps) / 1000,
            [each.conditioning["embeds"].squeeze(0) for each in batch.inputs],
            return_dict=False,
        )[0]
        return -torch.stack([each.squeeze(1) for each in velocity]).float()
