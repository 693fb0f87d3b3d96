"""The weights of an IP-Adapter: a projection of what is seen, and a layer's keys and values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from diffusers.models.embeddings import (
    ImageProjection,
    IPAdapterFullImageProjection,
    IPAdapterPlusImageProjection,
)
from safetensors import SafetensorError, safe_open
from torch import nn

from engine.diffusion.build_lock import BUILD_LOCK
from engine.diffusion.image_prompts.prompt import KeyValue
from engine.errors import ModelUnavailable
from speech import say

PARTS = "image_proj", "ip_adapter"
"""How the names in a file begin."""

PROJECTIONS = ImageProjection, IPAdapterPlusImageProjection, IPAdapterFullImageProjection
"""Of pictures as CLIP sees them; adapters for faces want a face recognition model."""


class IPAdapter(nn.Module):
    """An IP-Adapter for one UNet.

    Attributes:
        names: Those of the cross-attentions, as modules of the UNet.
    """

    def __init__(self, projection: nn.Module, layers: Mapping[str, Any]) -> None:
        """Take Diffusers' projection, and its attention processors by the attention's name."""
        super().__init__()
        self.names = tuple(layers)
        self.projection = projection
        self.keys = nn.ModuleList(layer.to_k_ip[0] for layer in layers.values())
        self.values = nn.ModuleList(layer.to_v_ip[0] for layer in layers.values())

    @classmethod
    def load(cls, file: Path, unet: Any, dtype: torch.dtype) -> Self:
        """Load a file into RAM, as Diffusers' loader does for this UNet.

        Raises:
            ModelUnavailable: It isn't an IP-Adapter, is for another kind of UNet or for faces, or
                can't be read.
        """
        try:
            # The loader only reads the UNet. Its parameters are to be ordinary tensors.
            with BUILD_LOCK, torch.inference_mode(False), torch.no_grad():
                tensors = _tensors_of(file)
                processors = unet._convert_ip_adapter_attn_to_diffusers([tensors])
                projection = unet._convert_ip_adapter_image_proj_to_diffusers(tensors[PARTS[0]])
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise _misfit(file) from error
        layers = {
            name.removesuffix(".processor"): processor
            for name, processor in processors.items()
            if hasattr(processor, "to_k_ip")
        }
        width = unet.config.cross_attention_dim
        fits = all(
            key.weight.shape == (unet.get_submodule(name).to_q.out_features, width)
            for name, layer in layers.items()
            for key in (layer.to_k_ip[0], layer.to_v_ip[0])
        )
        if not layers or not fits or not isinstance(projection, PROJECTIONS):
            raise _misfit(file)
        with torch.inference_mode(False), torch.no_grad():
            return cls(projection, layers).to("cpu", dtype).eval().requires_grad_(False)

    @property
    def sees_patches(self) -> bool:
        """Whether it takes the encoder's last but one layer, not its embedding of the whole."""
        return not isinstance(self.projection, ImageProjection)

    def forward(self, seen: torch.Tensor) -> list[KeyValue]:
        """Keys and values for each of `names`.

        Args:
            seen: What the encoder sees of pictures, shape (pictures, …).
        """
        tokens = self.projection(seen)
        tokens = tokens.reshape(1, -1, tokens.shape[-1])
        return [
            (key(tokens), value(tokens)) for key, value in zip(self.keys, self.values, strict=True)
        ]


def _tensors_of(file: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The tensors of each part, by their names in it."""
    parts: dict[str, dict[str, torch.Tensor]] = {part: {} for part in PARTS}
    with safe_open(file, framework="pt") as opened:
        for name in opened.keys():  # noqa: SIM118 - it isn't a mapping
            part, _, rest = name.partition(".")
            if part in parts:
                parts[part][rest] = opened.get_tensor(name)
    if any("lora" in name for name in parts["ip_adapter"]):
        raise ValueError("an IP-Adapter for faces")
    return parts


def _misfit(file: Path) -> ModelUnavailable:
    return ModelUnavailable(
        say(
            "{file} isn't an IP-Adapter for this model. The bot's owner can choose another file in "
            "the section `[ip_adapters.NAME]` of the settings; adapters for faces can't be used.",
            file=file.name,
        )
    )
