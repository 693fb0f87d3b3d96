"""Control networks of the UNet families: what they add to the UNet's skips and to its middle.

Adding zero changes nothing, so rows with and without control, along different maps and at different
strengths, share the UNet's batch. A network is called once for all its rows; but a ControlNet Union
once for each sample, since its attention over the maps sees all rows that it is called with: that
of Diffusers 0.42, like the original, puts the rows where the sequence belongs.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from types import MappingProxyType
from typing import Any, cast

import torch
from diffusers import ControlNetUnionModel
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

from engine.diffusion.families.control_networks import LoadedControl
from engine.diffusion.families.control_rows import (
    ControlledRows,
    controlled_rows,
    require_fit,
    scaled,
    scattered,
)
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.diffusion.families.unet_inpainting import UNetInpainting
from engine.diffusion.seamless_tiling import circular_padding
from engine.diffusion.sending import sent
from engine.errors import ModelUnavailable
from engine.jobs.control import ControlKind
from engine.jobs.recipe import Recipe
from speech import say

UNION_TYPES: Mapping[ControlKind, int] = MappingProxyType(
    {
        ControlKind.POSE: 0,
        ControlKind.DEPTH: 1,
        ControlKind.EDGES: 3,
        ControlKind.LINES: 3,
        ControlKind.TILE: 6,
    }
)
"""The places of maps in a ControlNet Union, as in the card of xinsir/controlnet-union-sdxl-1.0."""


class UNetControl(UNetInpainting):
    """A family whose UNet is controlled by a `ControlNetModel` or a `ControlNetUnionModel`."""

    def encode_control(
        self,
        image: Image.Image,
        recipe: Recipe,
        loaded: LoadedControl,
        generator: torch.Generator,
    ) -> torch.Tensor:
        """The map's pixels, 0 to 1, shape (1, 3, height, width).

        Raises:
            ModelUnavailable: A union network that wasn't trained on such maps, or a network for
                another UNet, such as one of Stable Diffusion 1.5 beside a 2.1.
        """
        config, unet = loaded.module.config, self._pipe.unet.config
        ours = (self.latent_channels, unet.cross_attention_dim, tuple(unet.block_out_channels))
        theirs = (config.in_channels, config.cross_attention_dim, tuple(config.block_out_channels))
        require_fit(loaded, recipe, fits=ours == theirs)
        types = getattr(config, "num_control_type", None)
        assert recipe.control is not None, "there is a map"
        if types is not None and UNION_TYPES[recipe.control.kind] >= types:
            raise ModelUnavailable(
                say(
                    "The control network “{name}” wasn't trained on this type of picture.",
                    name=loaded.network.name,
                )
            )
        processor = VaeImageProcessor(do_convert_rgb=True, do_normalize=False)
        pixels = processor.preprocess(image, height=recipe.height, width=recipe.width)
        # Contiguous, as in Diffusers: another layout rounds differently.
        pixels = pixels.contiguous().to(self._components.device, loaded.module.dtype)
        return cast(torch.Tensor, pixels)

    def control_residuals(
        self, batch: DenoiserBatch
    ) -> tuple[Sequence[torch.Tensor], torch.Tensor] | None:
        """What is added to the UNet's skips, and to its middle; `None` without control."""
        total: list[torch.Tensor] | None = None
        for rows in controlled_rows(batch, apart=_sees_all_rows):
            strengths, number = rows.strengths(), len(batch.inputs)
            places = rows.places(number)
            found = [
                scattered(scaled(each, strengths), places, number) for each in self._residuals(rows)
            ]
            total = found if total is None else [a + b for a, b in zip(total, found, strict=True)]
        return None if total is None else (total[:-1], total[-1])

    def _residuals(self, rows: ControlledRows) -> list[torch.Tensor]:
        """What the network says at full strength, that for the middle last."""
        network, batch, maps = rows.loaded.module, rows.batch, rows.maps
        options: dict[str, Any] = {"controlnet_cond": maps}
        if (types := getattr(network.config, "num_control_type", None)) is not None:
            kinds = [UNION_TYPES[each.control.kind] for each in rows.controls]
            places = sent(torch.tensor(kinds), maps.device)
            options = {
                "controlnet_cond": [maps],
                "control_type": torch.nn.functional.one_hot(places, types).to(maps.dtype),
                "control_type_idx": [places],
                "conditioning_scale": [1.0],
            }
        with circular_padding(network) if batch.recipe.tile else nullcontext():
            down, middle = network(
                batch.latents[:, : self.latent_channels],  # without what an inpainting UNet sees
                batch.timesteps,
                encoder_hidden_states=batch.conditioning("embeds"),
                added_cond_kwargs=self.added_conditions(batch),
                return_dict=False,
                **options,
            )
        return [*down, middle]

    def added_conditions(self, batch: DenoiserBatch) -> dict[str, torch.Tensor] | None:
        """The UNet's `added_cond_kwargs`, which its control networks take, too."""
        return None


def _sees_all_rows(loaded: LoadedControl) -> bool:
    return isinstance(loaded.module, ControlNetUnionModel)
