"""FLUX.1: a transformer over patches of latents and text tokens, prompted through CLIP and T5.

“dev” is distilled on its guidance, which it takes as a number; “schnell” is distilled to four steps
without any. Neither takes a negative prompt: one that is given is ignored, as Diffusers does.
"""

from typing import cast

import torch

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.flow_family import PackedFlowFamily
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.diffusion.latent_rgb import FLUX
from engine.diffusion.sending import sent
from engine.jobs.recipe import Recipe

DEV_TOKENS = 512
SCHNELL_TOKENS = 256
"""T5 tokens that they were trained with, by their model cards."""


class Flux(PackedFlowFamily):
    """A loaded `FluxPipeline`."""

    family = "flux"
    latent_map = FLUX

    @property
    def _guidance_embeds(self) -> bool:
        """Whether this is “dev” or made from it."""
        return bool(self._pipe.transformer.config.guidance_embeds)

    def uses_guidance(self, recipe: Recipe) -> bool:
        """Never by a second prompt."""
        return False

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """T5's tokens, shape (1, tokens, dim), and CLIP's pooled embedding, shape (1, dim)."""
        embeds, pooled, _ = self._pipe.encode_prompt(
            text,
            device=self._components.device,
            max_sequence_length=DEV_TOKENS if self._guidance_embeds else SCHNELL_TOKENS,
        )
        return {"embeds": embeds, "pooled": pooled}

    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """The transformer's velocity, shape (inputs, tokens, channels · 4)."""
        latents, embeds = batch.latents, batch.conditioning("embeds")
        device, dtype = latents.device, latents.dtype
        tokens, ids = self.image_tokens(batch)
        scales = [sample.recipe.guidance_scale for sample in batch.samples]
        guidance = sent(torch.tensor(scales, dtype=torch.float32), device)
        velocity = self._pipe.transformer(
            hidden_states=tokens,
            timestep=batch.timesteps.to(dtype) / 1000,
            guidance=guidance if self._guidance_embeds else None,
            pooled_projections=batch.conditioning("pooled"),
            encoder_hidden_states=embeds,
            txt_ids=torch.zeros(embeds.shape[1], 3, device=device, dtype=dtype),
            img_ids=ids,
            return_dict=False,
        )[0]
        return cast(torch.Tensor, velocity[:, : latents.shape[1]])

    def image_tokens(self, batch: DenoiserBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens of pictures, those to be painted first, and their coordinates.

        Shapes (inputs, tokens, channels · 4) and (tokens, 3).
        """
        latents = batch.latents
        return latents, self.coordinates(self.token_grid(batch.recipe), latents)
