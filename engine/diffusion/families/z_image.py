"""Z-Image: one stream of text and image tokens, prompted through Qwen3."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import torch
from diffusers import ZImageControlNetModel
from diffusers.models.transformers.transformer_z_image import SEQ_MULTI_OF
from diffusers.pipelines.z_image.pipeline_z_image import get_default_z_image_sigmas
from PIL import Image
from torch.nn import functional

from engine.diffusion.families.base import InitImage
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.control_networks import LoadedControl
from engine.diffusion.families.control_rows import (
    ControlledRows,
    SampleControl,
    controlled_rows,
    require_fit,
    scaled,
    scattered,
)
from engine.diffusion.families.flow_family import FlowFamily
from engine.diffusion.families.guidance import GuidanceFromZero
from engine.diffusion.families.latent_sample import DenoiserBatch, DenoiserInput
from engine.diffusion.latent_rgb import FLUX
from engine.jobs.recipe import Recipe


class ZImage(GuidanceFromZero, FlowFamily):
    """A loaded `ZImagePipeline`; guidance has its defaults: not normalised, not truncated."""

    family = "z-image"
    latent_map = FLUX

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

        Its velocity points from noise to picture, against the scheduler's. It pads prompts of
        different length itself, and masks the padding.
        """
        velocity = self._pipe.transformer(
            *self._inputs_of(batch.inputs),
            controlnet_block_samples=self.control_residuals(batch),
            return_dict=False,
        )[0]
        return -torch.stack([each.squeeze(1) for each in velocity]).float()

    def encode_control(
        self,
        image: Image.Image,
        recipe: Recipe,
        loaded: LoadedControl,
        generator: torch.Generator,
    ) -> torch.Tensor:
        """The map's latents, normalised, as one frame; zero for what an inpainting network sees.

        Raises:
            ModelUnavailable: The network is for a transformer of other sizes.
        """
        network, transformer = loaded.module.config, self._pipe.transformer.config
        ours = transformer.dim, transformer.n_heads
        require_fit(
            loaded,
            recipe,
            fits=ours == (network.dim, network.n_heads)
            and max(network.control_layers_places) < transformer.n_layers
            and network.control_in_dim >= self.latent_channels,
        )
        vae = self._pipe.vae
        # Contiguous, as in Diffusers: another layout rounds differently.
        pixels = self.preprocess(InitImage(image), recipe).contiguous()
        latents = vae.encode(pixels).latent_dist.mode()
        latents = (latents - vae.config.shift_factor) * vae.config.scaling_factor
        unseen = network.control_in_dim - self.latent_channels
        latents = functional.pad(latents, (0, 0, 0, 0, 0, unseen)).unsqueeze(2)
        return latents.to(loaded.module.dtype)

    def control_residuals(self, batch: DenoiserBatch) -> dict[int, torch.Tensor] | None:
        """What is added after each of the transformer's layers; `None` without control."""
        total: dict[int, torch.Tensor] = {}
        for rows in controlled_rows(batch):
            for layer, residual in self._residuals(rows, batch).items():
                total[layer] = total[layer] + residual if layer in total else residual
        return total or None

    def _residuals(self, rows: ControlledRows, batch: DenoiserBatch) -> dict[int, torch.Tensor]:
        """What one network adds to all rows of the batch, by layer.

        It computes with layers of the transformer, too, as those are now. A LoRA's hooks there
        count the rows of the whole batch, so beside other LoRAs all rows go through it.
        """
        if len({sample.recipe.adapters for sample in batch.samples}) > 1:
            rows = _among_all(rows, batch)
        network, inputs, number = rows.loaded.module, rows.batch.inputs, len(batch.inputs)
        # In place of attributes that it lacks; as modules of its own they would move with it.
        vars(network).update(
            vars(ZImageControlNetModel.from_transformer(SimpleNamespace(), self._pipe.transformer))
        )
        found = network(
            *self._inputs_of(inputs),
            list(rows.maps),
            conditioning_scale=_Strengths(rows.strengths()),
        )
        if missing := _longest(batch.inputs) - _longest(inputs):
            found = {
                layer: functional.pad(residual, (0, 0, 0, missing))
                for layer, residual in found.items()
            }
        places = rows.places(number)
        return {layer: scattered(said, places, number) for layer, said in found.items()}

    def _inputs_of(
        self, inputs: Sequence[DenoiserInput]
    ) -> tuple[list[torch.Tensor], torch.Tensor, list[torch.Tensor]]:
        """Latents as one frame, times and prompts. Its time runs from 0, noise, to 1."""
        dtype = self._pipe.transformer.dtype
        return (
            [each.latents[0].to(dtype).unsqueeze(1) for each in inputs],
            (1000 - torch.stack([each.timestep for each in inputs])) / 1000,
            [each.conditioning["embeds"].squeeze(0) for each in inputs],
        )


class _Strengths:
    """Multiplies a network's output by the strength of each row, where Diffusers has a number.

    In place: all that a network says takes as much room as several steps.
    """

    def __init__(self, strengths: torch.Tensor | None) -> None:
        self._strengths = strengths

    def __rmul__(self, residual: torch.Tensor) -> torch.Tensor:
        return residual.copy_(scaled(residual, self._strengths))


def _among_all(rows: ControlledRows, batch: DenoiserBatch) -> ControlledRows:
    """All rows of a batch, those without control along nothing and at no strength."""
    first = rows.controls[0]
    nothing = SampleControl(
        replace(first.control, strength=0.0), torch.zeros_like(first.map), rows.loaded
    )
    control_of = dict(zip(rows.indices, rows.controls, strict=True))
    indices = range(len(batch.inputs))
    controls = [control_of.get(index, nothing) for index in indices]
    return ControlledRows(rows.loaded, indices, batch, controls)


def _longest(inputs: Sequence[DenoiserInput]) -> int:
    """Tokens of the longest prompt, as it is padded."""
    longest = max(each.conditioning["embeds"].shape[1] for each in inputs)
    return longest + int(-longest % SEQ_MULTI_OF)
