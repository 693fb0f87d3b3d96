"""Stable Diffusion 1.x and 2.x: a UNet over latents, guided by a CLIP text encoder.

The loop of `diffusers.StableDiffusionPipeline.__call__`, turned inside out: a row holds what one
call would hold in local variables, and `step` takes any rows of one size through the UNet
together, each at its own timestep, with its own scheduler, generator and guidance. What a row
computes does not depend on the rows beside it.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image

from engine.diffusion.devices import Device
from engine.diffusion.families.base import Row
from engine.diffusion.previews import LatentMap
from engine.diffusion.schedules import make_scheduler, predicted_original
from engine.errors import Withheld
from engine.requests import Recipe


@dataclass(eq=False, kw_only=True)
class LatentRow(Row):
    """A row of latents.

    Attributes:
        latents: Current sample, shape (1, channels, height / 8, width / 8).
        original: The model's present idea of the noiseless latents, same shape.
        embeds: Prompt embeddings, shape (2 or 1, tokens, dim): negative first when guided.
        condition: Embedded guidance for models distilled on it (LCM), shape (1, dim).
        timesteps: The scheduler's timesteps, shape (total_steps,).
        scheduler: This row's own scheduler.
        step_options: Further arguments of its `step` (the row's own generator, eta).
    """

    latents: torch.Tensor
    original: torch.Tensor | None = None
    embeds: torch.Tensor
    condition: torch.Tensor | None
    timesteps: torch.Tensor
    scheduler: Any
    step_options: dict[str, Any]

    @property
    def guided(self) -> bool:
        """Whether the model is called with and without the prompt."""
        return self.embeds.shape[0] == 2


class StableDiffusion:
    """A loaded `StableDiffusionPipeline`, stepped row by row."""

    def __init__(self, pipe: Any, device: Device, latent_map: LatentMap) -> None:
        self._pipe = pipe
        self._device = device
        self._latent_map = latent_map

    def begin(self, recipe: Recipe) -> list[Row]:
        """Encode the prompt once and make a row for each seed."""
        distilled = self._pipe.unet.config.time_cond_proj_dim is not None
        guided = recipe.guidance_scale > 1 and not distilled
        positive, negative = self._pipe.encode_prompt(
            recipe.prompt, self._pipe._execution_device, 1, guided, recipe.negative_prompt
        )
        self._device.evict(self._pipe, self._pipe.text_encoder)
        embeds = torch.cat([negative, positive]) if guided else positive
        condition = self._guidance_condition(recipe.guidance_scale, embeds) if distilled else None
        return [self._row(recipe, seed, embeds, condition) for seed in recipe.seeds]

    def _row(
        self, recipe: Recipe, seed: int, embeds: torch.Tensor, condition: torch.Tensor | None
    ) -> LatentRow:
        device = self._pipe._execution_device
        scheduler = make_scheduler(self._pipe.scheduler, recipe.scheduler)
        scheduler.set_timesteps(recipe.num_inference_steps, device=device)
        generator = torch.Generator("cpu").manual_seed(seed)
        shape = (
            1,
            self._pipe.unet.config.in_channels,
            recipe.height // self._pipe.vae_scale_factor,
            recipe.width // self._pipe.vae_scale_factor,
        )
        noise = randn_tensor(shape, generator=generator, device=device, dtype=embeds.dtype)
        return LatentRow(
            recipe=recipe,
            seed=seed,
            total_steps=len(scheduler.timesteps),
            latents=noise * scheduler.init_noise_sigma,
            embeds=embeds,
            condition=condition,
            timesteps=scheduler.timesteps,
            scheduler=scheduler,
            step_options=_step_options(scheduler, generator),
        )

    def _guidance_condition(self, guidance_scale: float, like: torch.Tensor) -> torch.Tensor:
        weight = torch.tensor([guidance_scale - 1])
        dim = self._pipe.unet.config.time_cond_proj_dim
        embedding = self._pipe.get_guidance_scale_embedding(weight, embedding_dim=dim)
        return cast(torch.Tensor, embedding.to(device=like.device, dtype=like.dtype))

    def batch_key(self, row: Row) -> tuple[int, int]:
        """Rows of one size go together."""
        return row.recipe.width, row.recipe.height

    def step(self, rows: Sequence[Row], between: Callable[[], None]) -> None:
        """Call the UNet once for all rows, then each row's scheduler."""
        batch = cast(Sequence[LatentRow], rows)
        inputs, timesteps, conditions = [], [], []
        for row in batch:
            t = row.timesteps[row.step]
            sample = row.scheduler.scale_model_input(row.latents, t)
            calls = row.embeds.shape[0]
            inputs += [sample] * calls
            timesteps += [t.to(torch.float32)] * calls
            if row.condition is not None:
                conditions += [row.condition] * calls
        predictions = self._pipe.unet(
            torch.cat(inputs),
            torch.stack(timesteps),
            encoder_hidden_states=torch.cat([row.embeds for row in batch]),
            timestep_cond=torch.cat(conditions) if conditions else None,
            return_dict=False,
        )[0]
        for row, prediction in zip(
            batch, predictions.split([row.embeds.shape[0] for row in batch]), strict=True
        ):
            self._advance(row, prediction)

    def _advance(self, row: LatentRow, prediction: torch.Tensor) -> None:
        """One scheduler step from the UNet's prediction, shape (2 or 1, channels, h, w)."""
        if row.guided:
            # Classifier-free guidance: Ho and Salimans, 2022, equation 6, with w = scale - 1.
            negative, positive = prediction.chunk(2)
            prediction = negative + row.recipe.guidance_scale * (positive - negative)
        output = row.scheduler.step(
            prediction, row.timesteps[row.step], row.latents, **row.step_options
        )
        row.latents = output.prev_sample
        row.original = predicted_original(row.scheduler, output)
        row.step += 1

    def finish(self, row: Row) -> Image.Image:
        """Decode the latents.

        Raises:
            Withheld: When the model brings a safety checker and that one objects.
        """
        latents = cast(LatentRow, row).latents
        decoded = self._decode(latents)
        _, flagged = self._pipe.run_safety_checker(decoded, latents.device, latents.dtype)
        if flagged and any(flagged):
            raise Withheld("The model's own safety checker held this picture back.")
        [image] = self._pipe.image_processor.postprocess(decoded, output_type="pil")
        return cast(Image.Image, image)

    def _decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Pixels in -1 to 1, shape (1, 3, height, width); in tiles once memory has run out."""
        vae = self._pipe.vae
        scaled = latents / vae.config.scaling_factor
        try:
            decoded = vae.decode(scaled, return_dict=False)[0]
        except torch.OutOfMemoryError:
            if vae.use_tiling:
                raise
            decoded = None
        if decoded is None:
            self._device.release()
            vae.enable_tiling()
            decoded = vae.decode(scaled, return_dict=False)[0]
        self._device.evict(self._pipe, vae)
        return cast(torch.Tensor, decoded)

    def preview(self, row: Row) -> Image.Image | None:
        """The predicted picture through a linear map of its latents."""
        original = cast(LatentRow, row).original
        if original is None or original.shape[1] != self._latent_map.channels:
            return None
        return self._latent_map.image(original[0])


def _step_options(scheduler: Any, generator: torch.Generator) -> dict[str, Any]:
    """The arguments that this scheduler's `step` takes besides the three common ones."""
    accepted = inspect.signature(scheduler.step).parameters
    wanted: dict[str, Any] = {"generator": generator, "eta": 0.0}
    return {name: value for name, value in wanted.items() if name in accepted}
