"""What Stable Diffusion and Stable Diffusion XL share: a UNet over the latents of a VAE."""

from collections.abc import Hashable
from contextlib import nullcontext
from typing import cast

import torch

from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.latent_sample import DenoiserBatch, LatentSample
from engine.diffusion.families.unet_control import UNetControl
from engine.diffusion.families.unet_image_prompts import UNetImagePrompts
from engine.diffusion.prompt_encoding import EncodedPrompt, encode_weighted, pad_to_longest
from engine.diffusion.seamless_tiling import circular_padding, decode_seamless
from engine.jobs.recipe import Recipe


class UNetFamily(UNetImagePrompts, UNetControl):
    """A loaded pipeline whose denoiser is a `UNet2DConditionModel`."""

    takes_inversions = True

    def encode_with_each(self, text: str, *, penultimate: bool) -> list[EncodedPrompt]:
        """`text` through each text encoder, with weights and textual inversions."""
        names = [name for name in self.facts.text_encoders if getattr(self._pipe, name) is not None]
        encoders = [getattr(self._pipe, name) for name in names]
        vectors = self._inversions.vectors(text, [e.config.hidden_size for e in encoders])
        return [
            encode_weighted(
                text,
                getattr(self._pipe, name.replace("text_encoder", "tokenizer")),
                encoder,
                self._components.device,
                penultimate=penultimate,
                vectors=learned,
            )
            for name, encoder, learned in zip(names, encoders, vectors, strict=True)
        ]

    def pad_conditioning(
        self, recipe: Recipe, conditioning: list[Conditioning]
    ) -> list[Conditioning]:
        """Give both prompts as many chunks of tokens as the longer one has."""

        def empty() -> Conditioning:
            return self._conditioning(recipe, "", negative=not recipe.negative_prompt)

        return pad_to_longest(conditioning, empty)

    def batch_key(self, sample: Sample) -> Hashable:
        """Samples of equally many tokens go together, since the UNet takes no mask over them.

        Seamless ones and others don't.
        """
        tokens = cast(LatentSample, sample).conditioning[0]["embeds"].shape[1]
        return super().batch_key(sample), tokens, sample.recipe.tile

    def uses_guidance(self, recipe: Recipe) -> bool:
        """A model that is distilled on its guidance takes it as a number instead."""
        return super().uses_guidance(recipe) and not self._guidance_embeds

    @property
    def _guidance_embeds(self) -> bool:
        """Whether the model is distilled on its guidance, as LCM models are."""
        return self._pipe.unet.config.time_cond_proj_dim is not None

    @property
    def latent_channels(self) -> int:
        """Those of the VAE: an inpainting UNet takes more."""
        return int(self._pipe.vae.config.latent_channels)

    def prepare(self, sample: LatentSample, init_image: InitImage | None) -> None:
        """Embed the guidance for models that are distilled on it, shape (1, dim)."""
        super().prepare(sample, init_image)
        if self._guidance_embeds:
            scale = sample.recipe.guidance_scale
            sample.extra["guidance"] = self._embed_guidance(scale, sample.latents)

    def _embed_guidance(self, guidance_scale: float, like: torch.Tensor) -> torch.Tensor:
        weight = torch.tensor([guidance_scale - 1], dtype=torch.float32)
        dim = self._pipe.unet.config.time_cond_proj_dim
        embedding = self._pipe.get_guidance_scale_embedding(weight, embedding_dim=dim)
        return cast(torch.Tensor, embedding.to(device=like.device, dtype=like.dtype))

    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """The UNet's prediction, shape (inputs, channels, h, w)."""
        unet = self._pipe.unet
        down, middle = self.control_residuals(batch) or (None, None)
        padding = circular_padding(unet) if batch.recipe.tile else nullcontext()
        with padding, self.attending(batch):
            predictions = unet(
                batch.latents,
                batch.timesteps,
                encoder_hidden_states=batch.conditioning("embeds"),
                timestep_cond=batch.extra("guidance") if self._guidance_embeds else None,
                added_cond_kwargs=self.added_conditions(batch),
                down_block_additional_residuals=down,
                mid_block_additional_residual=middle,
                return_dict=False,
            )[0]
        return cast(torch.Tensor, predictions)

    def encode_image(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """A draw from the VAE's distribution, normalised, shape as `new_noise`."""
        drawn = self._pipe.vae.encode(pixels).latent_dist.sample(generator)
        mean, std = self._latent_statistics(drawn)
        latents = (drawn - mean) * self._pipe.vae.config.scaling_factor / std
        return cast(torch.Tensor, latents.to(self._pipe.unet.dtype))

    def decode(self, sample: LatentSample) -> torch.Tensor:
        """The VAE's decoder on denormalised latents."""
        vae = self._pipe.vae
        latents = sample.latents.to(vae.dtype)
        mean, std = self._latent_statistics(latents)
        latents = latents * std / vae.config.scaling_factor + mean
        if sample.recipe.tile:
            return decode_seamless(vae, latents, lambda z: vae.decode(z, return_dict=False)[0])
        return cast(torch.Tensor, vae.decode(latents, return_dict=False)[0])

    def _latent_statistics(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and deviation of the VAE's latents, shape (1, channels, 1, 1); else 0 and 1."""
        config = self._pipe.vae.config
        if config.latents_mean is None or config.latents_std is None:
            return like.new_zeros(()), like.new_ones(())
        mean, std = (
            torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1).to(like)
            for values in (config.latents_mean, config.latents_std)
        )
        return mean, std
