"""Qwen-Image: a transformer over patches of latents and text tokens, prompted through Qwen2.5-VL.

`guidance_scale` is what its pipeline calls `true_cfg_scale`: the negative prompt really goes
through the transformer. No version is distilled on its guidance.
"""

from collections.abc import Sequence
from typing import cast

import torch
from PIL import Image
from torch.nn import functional

from engine.diffusion.families.base import InitImage
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.control_networks import LoadedControl
from engine.diffusion.families.control_rows import (
    ControlledRows,
    controlled_rows,
    positive_rows,
    scaled,
    scattered,
)
from engine.diffusion.families.flow_family import PackedFlowFamily
from engine.diffusion.families.latent_sample import DenoiserBatch, LatentSample
from engine.diffusion.latent_rgb import QWEN_IMAGE
from engine.diffusion.sending import sent
from engine.jobs.recipe import Recipe

MAX_TOKENS = 512
"""Of a prompt, without the template around it: the default of Diffusers' pipeline."""


ImageShape = tuple[int, int, int]
"""Frames, rows and columns of the tokens of a picture."""


class QwenImage(PackedFlowFamily):
    """A loaded `QwenImagePipeline`."""

    family = "qwen-image"
    latent_map = QWEN_IMAGE
    normalizes_guidance = True

    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """Embeddings of the tokens without padding, shape (1, tokens, dim).

        A blank stands for no negative prompt, as in the model card.
        """
        embeds, _ = self._pipe.encode_prompt(
            text or " ", self._components.device, max_sequence_length=MAX_TOKENS
        )
        return {"embeds": embeds}

    def noise_dtype(self, recipe: Recipe) -> torch.dtype:
        """The text encoder's precision."""
        return cast(torch.dtype, self._pipe.text_encoder.dtype)

    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """The transformer's velocity, shape (inputs, tokens, 64).

        Prompts of different length are padded and the padding is masked, so the weights are read
        once; the pipeline reads them once for each prompt.
        """
        latents = batch.latents
        tokens, shapes = self.image_tokens(batch)
        embeds, mask = _pad([each.conditioning["embeds"] for each in batch.inputs])
        velocity = self._pipe.transformer(
            hidden_states=tokens,
            timestep=batch.timesteps.to(latents.dtype) / 1000,
            encoder_hidden_states=embeds,
            encoder_hidden_states_mask=mask,
            img_shapes=[shapes] * len(batch.inputs),
            controlnet_block_samples=self.control_residuals(batch),
            return_dict=False,
        )[0]
        return cast(torch.Tensor, velocity[:, : latents.shape[1]])

    def encode_control(
        self,
        image: Image.Image,
        recipe: Recipe,
        loaded: LoadedControl,
        generator: torch.Generator,
    ) -> torch.Tensor:
        """A draw from the VAE's distribution of the map, normalised in float32 and packed."""
        pixels = self.preprocess(InitImage(image), recipe)
        drawn = self._pipe.vae.encode(pixels[:, :, None]).latent_dist.sample(generator)
        mean, scale = self._latent_statistics(drawn.float())
        latents = (drawn - mean) * scale
        return self.pack(latents[:, :, 0]).to(self.noise_dtype(recipe))

    def control_residuals(self, batch: DenoiserBatch) -> list[torch.Tensor] | None:
        """What is added after each of the transformer's blocks; `None` without control.

        A network is called with the positive prompts alone, as in Diffusers; what it says holds for
        the negative ones, too.
        """
        layers = len(self._pipe.transformer.transformer_blocks)
        total: list[torch.Tensor] | None = None
        for rows in controlled_rows(batch):
            positive = positive_rows(rows)
            strengths, number = positive.strengths(), len(batch.inputs)
            said = [scaled(each, strengths) for each in self._residuals(positive)]
            samples = positive.batch.samples
            own = torch.tensor([samples.index(sample) for sample in rows.batch.samples])
            own, places = sent(own, batch.latents.device), rows.places(number)
            spread = [scattered(each[own], places, number) for each in said]
            interval = -(-layers // len(spread))
            found = [spread[layer // interval] for layer in range(layers)]
            total = found if total is None else [a + b for a, b in zip(total, found, strict=True)]
        return total

    def _residuals(self, rows: ControlledRows) -> list[torch.Tensor]:
        """What the network says at full strength, for each of its blocks."""
        batch = rows.batch
        embeds, mask = _pad([each.conditioning["embeds"] for each in batch.inputs])
        found = rows.loaded.module(
            hidden_states=batch.latents,
            controlnet_cond=rows.maps,
            timestep=batch.timesteps.to(batch.latents.dtype) / 1000,
            encoder_hidden_states=embeds,
            encoder_hidden_states_mask=mask,
            img_shapes=[[(1, *self.token_grid(batch.recipe))]] * len(batch.inputs),
            return_dict=False,
        )
        return list(found)

    def image_tokens(self, batch: DenoiserBatch) -> tuple[torch.Tensor, list[ImageShape]]:
        """Tokens of pictures, those to be painted first, shape (inputs, tokens, 64), and shapes."""
        return batch.latents, [(1, *self.token_grid(batch.recipe))]

    def encode_image(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """A draw from the VAE's distribution, as one frame, normalised and packed."""
        latents = self._pipe.vae.encode(pixels[:, :, None]).latent_dist.sample(generator)
        mean, scale = self._latent_statistics(latents)
        latents = ((latents - mean) * scale).to(self.noise_dtype(recipe))
        return self.pack(latents[:, :, 0])

    def decode(self, sample: LatentSample) -> torch.Tensor:
        """The VAE's decoder on denormalised latents, as one frame."""
        vae = self._pipe.vae
        latents = self.unpack(sample.latents, sample.recipe)[:, :, None].to(vae.dtype)
        mean, scale = self._latent_statistics(latents)
        return cast(torch.Tensor, vae.decode(latents / scale + mean, return_dict=False)[0][:, :, 0])

    def _latent_statistics(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean of the VAE's latents and one over their deviation, shape (1, channels, 1, 1, 1)."""
        config = self._pipe.vae.config
        mean, deviation = (
            torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1, 1).to(like)
            for values in (config.latents_mean, config.latents_std)
        )
        return mean, 1.0 / deviation


def _pad(embeds: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Prompts in one batch, and the mask of their tokens; `None` if there is no padding.

    Args:
        embeds: Each of shape (1, its tokens, dim).
    """
    lengths = [each.shape[1] for each in embeds]
    longest = max(lengths)
    batch = torch.cat([functional.pad(each, (0, 0, 0, longest - each.shape[1])) for each in embeds])
    if min(lengths) == longest:
        return batch, None
    positions = torch.arange(longest)
    return batch, sent(positions < torch.tensor(lengths)[:, None], batch.device)
