"""What Stable Diffusion and Stable Diffusion XL share: a UNet over the latents of a VAE."""

from collections.abc import Hashable, Sequence
from contextlib import nullcontext
from typing import cast

import torch
from diffusers.utils.torch_utils import randn_tensor

from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.inpainting import UNetInpainting
from engine.diffusion.families.stepped import DenoiserInput, LatentSample, stack_conditioning
from engine.diffusion.prompt_encoding import EncodedPrompt, encode_weighted, pad_to_longest
from engine.diffusion.seamless_tiling import circular_padding, decode_seamless
from engine.jobs.request import Recipe


class UNetFamily(UNetInpainting):
    """A loaded pipeline whose denoiser is a `UNet2DConditionModel`, told `embeds` of a prompt."""

    def read(self, text: str, *, penultimate: bool) -> list[EncodedPrompt]:
        """What each text encoder makes of `text`, with weights and learned words."""
        names = [name for name in self.facts.text_encoders if getattr(self._pipe, name) is not None]
        encoders = [getattr(self._pipe, name) for name in names]
        vectors = self._inversions.vectors(text, [e.config.hidden_size for e in encoders])
        return [
            encode_weighted(
                text,
                getattr(self._pipe, name.replace("text_encoder", "tokenizer")),
                encoder,
                self._parts.device,
                penultimate=penultimate,
                vectors=profile,
            )
            for name, encoder, profile in zip(names, encoders, vectors, strict=True)
        ]

    def matched(self, recipe: Recipe, conditioning: list[Conditioning]) -> list[Conditioning]:
        """Both prompts take as many chunks of tokens as the longer one."""

        def empty() -> Conditioning:
            return self._conditioning(recipe, "", negative=not recipe.negative_prompt)

        return pad_to_longest(conditioning, empty)

    def batch_key(self, row: Sample) -> Hashable:
        """Rows of as many tokens go together, since the UNet takes no mask over them.

        So do those with an edge, and those without.
        """
        tokens = cast(LatentSample, row).conditioning[0]["embeds"].shape[1]
        return super().batch_key(row), tokens, row.recipe.tile

    def guided(self, recipe: Recipe) -> bool:
        """A model that is distilled on its guidance takes it as a number instead."""
        return recipe.guidance_scale > 1 and not self._distilled

    @property
    def _distilled(self) -> bool:
        return self._pipe.unet.config.time_cond_proj_dim is not None

    def new_noise(self, recipe: Recipe, generator: torch.Generator) -> torch.Tensor:
        """Shape (1, channels, height / 8, width / 8)."""
        factor = self._pipe.vae_scale_factor
        shape = (
            1,
            self._pipe.vae.config.latent_channels,
            recipe.height // factor,
            recipe.width // factor,
        )
        device, dtype = self._parts.device, self._pipe.unet.dtype
        return cast(torch.Tensor, randn_tensor(shape, generator, device, dtype))

    def prepare(self, row: LatentSample, start: InitImage | None) -> None:
        """Embed the guidance for models that are distilled on it (LCM), shape (1, dim)."""
        super().prepare(row, start)
        if self._distilled:
            row.own["guidance"] = self._guidance_condition(row.recipe.guidance_scale, row.latents)

    def _guidance_condition(self, guidance_scale: float, like: torch.Tensor) -> torch.Tensor:
        weight = torch.tensor([guidance_scale - 1], dtype=torch.float32)
        dim = self._pipe.unet.config.time_cond_proj_dim
        embedding = self._pipe.get_guidance_scale_embedding(weight, embedding_dim=dim)
        return cast(torch.Tensor, embedding.to(device=like.device, dtype=like.dtype))

    def denoise(self, calls: Sequence[DenoiserInput]) -> torch.Tensor:
        """The UNet's prediction, shape (calls, channels, h, w)."""
        conditions = [call.row.own["guidance"] for call in calls if self._distilled]
        unet = self._pipe.unet
        with circular_padding(unet) if calls[0].row.recipe.tile else nullcontext():
            predictions = unet(
                torch.cat([call.sample for call in calls]),
                torch.stack([call.timestep for call in calls]),
                encoder_hidden_states=stack_conditioning(calls, "embeds"),
                timestep_cond=torch.cat(conditions) if conditions else None,
                added_cond_kwargs=self.conditions(calls),
                return_dict=False,
            )[0]
        return cast(torch.Tensor, predictions)

    def conditions(self, calls: Sequence[DenoiserInput]) -> dict[str, torch.Tensor] | None:
        """What the UNet is told besides the tokens of the prompt, by the names that it uses."""
        return None

    def encode_picture(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """A sample of the VAE's distribution, shape as `new_noise`."""
        sample = self._pipe.vae.encode(pixels).latent_dist.sample(generator)
        mean, std = self._statistics(sample)
        latents = (sample - mean) * self._pipe.vae.config.scaling_factor / std
        return cast(torch.Tensor, latents.to(self._pipe.unet.dtype))

    def decode(self, row: LatentSample) -> torch.Tensor:
        """The VAE's decoder on the unscaled latents."""
        vae = self._pipe.vae
        latents = row.latents.to(vae.dtype)
        mean, std = self._statistics(latents)
        unscaled = latents * std / vae.config.scaling_factor + mean
        if row.recipe.tile:
            return decode_seamless(vae, unscaled, lambda z: vae.decode(z, return_dict=False)[0])
        return cast(torch.Tensor, vae.decode(unscaled, return_dict=False)[0])

    def _statistics(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and deviation of the VAE's latents, shape (1, channels, 1, 1); 0 and 1 if unsaid."""
        config = self._pipe.vae.config
        if config.latents_mean is None or config.latents_std is None:
            return like.new_zeros(()), like.new_ones(())
        mean, std = (
            torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1).to(like)
            for values in (config.latents_mean, config.latents_std)
        )
        return mean, std
