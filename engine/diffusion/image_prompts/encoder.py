"""The IP-Adapter of one loaded pipeline, loaded when a recipe first needs it."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn
from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

from engine.devices.executor_setup import FindIPAdapter
from engine.diffusion.checked_loading import load_checked
from engine.diffusion.image_prompts.adapter import IPAdapter
from engine.diffusion.image_prompts.prompt import ImagePrompt, KeyValue, ShownPictures
from engine.diffusion.image_prompts.scales import scales_of
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.offload.weights import facts_of
from engine.errors import ModelUnavailable
from engine.jobs.recipe import Recipe
from engine.jobs.reference_uses import ReferenceUse
from engine.memory.components import Role
from engine.memory.plan import Stage
from speech import say

ENCODER, ADAPTER = "image_encoder", "ip_adapter"
"""The names of the components."""

SEEN_CAPACITY = 32
"""Pictures of which is kept what the encoder sees of them, 0.7 MB each."""


class ImagePrompts:
    """Encodes reference pictures for one pipeline."""

    def __init__(
        self, pipe: Any, components: OffloadedComponents, family: str, find: FindIPAdapter
    ) -> None:
        """Take a pipeline.

        Args:
            pipe: A Diffusers pipeline with a UNet.
            components: Its components, to which the IP-Adapter's are added.
            family: Its family.
            find: Finds the files.
        """
        self._unet = pipe.unet
        self._components = components
        self._family = family
        self._find = find
        self._seen: OrderedDict[str, tuple[torch.Tensor, torch.Tensor]] = OrderedDict()
        self._loaded: tuple[IPAdapter, Any, CLIPImageProcessor] | None = None

    def ensure(self) -> None:
        """Load the IP-Adapter and its image encoder into RAM, once.

        Raises:
            ModelUnavailable: There is none, or it can't be had or loaded.
        """
        if self._loaded is not None:
            return
        files = self._find(self._family)
        dtype = self._unet.dtype
        encoder = _load_encoder(files.image_encoder, dtype)
        adapter = IPAdapter.load(files.adapter, self._unet, dtype)
        if not _go_together(adapter, encoder):
            raise ModelUnavailable(
                say(
                    "The IP-Adapter {file} wasn't trained with the image encoder in {folder}. The "
                    "bot's owner can choose another in the section `[ip_adapters.NAME]` of the "
                    "settings.",
                    file=files.adapter.name,
                    folder=files.image_encoder.name,
                )
            )
        side = encoder.config.image_size
        # As Diffusers' `load_ip_adapter` makes it.
        processor = CLIPImageProcessor(size=side, crop_size=side)
        self._components.add(facts_of(ENCODER, Role.TEXT_ENCODER, encoder), encoder)
        self._components.add(facts_of(ADAPTER, Role.TEXT_ENCODER, adapter), adapter)
        self._loaded = adapter, encoder, processor

    def encode(
        self, recipe: Recipe, references: Sequence[Image.Image], *, guided: bool
    ) -> ImagePrompt:
        """What samples of the recipe attend to.

        Args:
            recipe: Its `reference_uses` say what each picture is used for.
            references: RGB, of any size.
            guided: Whether the negative prompt is a row of the batch, too.

        Raises:
            ModelUnavailable: As `ensure`.
        """
        self.ensure()
        assert self._loaded is not None, "it was just loaded"
        adapter, _, _ = self._loaded
        with self._components.use(ENCODER, ADAPTER, stage=Stage.ENCODE):
            groups: dict[ReferenceUse, list[torch.Tensor]] = {}
            blanks: dict[ReferenceUse, list[torch.Tensor]] = {}
            pictures = zip(recipe.reference_uses, recipe.references, references, strict=True)
            for use, name, image in pictures:
                seen, nothing = self._look_at(name, image)
                groups.setdefault(use, []).append(seen)
                blanks.setdefault(use, []).append(nothing)
            return ImagePrompt(
                tuple(
                    ShownPictures(
                        scales,
                        _by_layer(adapter, pictures_of_use, scales),
                        _by_layer(adapter, blanks[use], scales) if guided else {},
                    )
                    for use, pictures_of_use in groups.items()
                    if (scales := scales_of(use, self._family, adapter.names))
                )
            )

    def _look_at(self, name: str, image: Image.Image) -> tuple[torch.Tensor, torch.Tensor]:
        """What the encoder sees of the picture of that name, and of none; it's remembered."""
        if name not in self._seen:
            seen, nothing = self._encode(image)
            self._seen[name] = seen.cpu(), nothing.cpu()
            while len(self._seen) > SEEN_CAPACITY:
                self._seen.popitem(last=False)
        self._seen.move_to_end(name)
        seen, nothing = (each.to(self._components.device) for each in self._seen[name])
        return seen, nothing

    def _encode(self, image: Image.Image) -> tuple[torch.Tensor, torch.Tensor]:
        """The same anew, as Diffusers' `encode_image` of pipelines does it."""
        assert self._loaded is not None, "only what is loaded looks"
        adapter, encoder, processor = self._loaded
        pixels = processor(image, return_tensors="pt").pixel_values
        pixels = pixels.to(self._components.device, self._unet.dtype)
        if not adapter.sees_patches:
            seen = encoder(pixels).image_embeds
            return seen, torch.zeros_like(seen)
        both = (
            encoder(pixels, output_hidden_states=True),
            encoder(torch.zeros_like(pixels), output_hidden_states=True),
        )
        seen, nothing = (each.hidden_states[-2] for each in both)
        return seen, nothing


def _by_layer(
    adapter: IPAdapter, seen: Sequence[torch.Tensor], scales: Mapping[str, float]
) -> dict[str, KeyValue]:
    """Keys and values of pictures, for the layers that see them."""
    made = zip(adapter.names, adapter(torch.cat(list(seen))), strict=True)
    return {name: both for name, both in made if name in scales}


def _load_encoder(folder: Path, dtype: torch.dtype) -> Any:
    def unavailable(reason: str) -> ModelUnavailable:
        return ModelUnavailable(
            say(
                "The image encoder in {folder} couldn't be loaded: {reason}. It must be a CLIP "
                "vision model with its projection.",
                folder=folder.name,
                reason=reason,
            )
        )

    return load_checked(CLIPVisionModelWithProjection, folder, unavailable, dtype=dtype)


def _go_together(adapter: IPAdapter, encoder: Any) -> bool:
    """Whether the adapter takes what the encoder makes."""
    config, projection = encoder.config, adapter.projection
    width = config.hidden_size if adapter.sees_patches else config.projection_dim
    layer = next(each for each in projection.modules() if isinstance(each, nn.Linear))
    return bool(layer.in_features == width)
