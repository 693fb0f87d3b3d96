"""What the config of a VAE says about its memory."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

TILES: Mapping[str, int] = MappingProxyType(
    {"AutoencoderDC": 512, "AutoencoderKLQwenImage": 256, "AutoencoderKLQwenImage21": 256}
)
"""Tile sides of classes whose config doesn't have them (`tile_sample_min_height`)."""

DEFAULT_TILE = 512


class VaeFacts(NamedTuple):
    """See `engine.memory.components.Component`, which has both."""

    force_upcast: bool = True
    tile_side: int = DEFAULT_TILE


def vae_facts(class_name: str, config: Mapping[str, Any]) -> VaeFacts:
    """Read them from the `config.json` of a VAE of that class.

    The tiles of an AutoencoderKL are as large as its `sample_size`, and it decodes in single
    precision unless its `force_upcast` is false.
    """
    side = TILES.get(class_name) or config.get("sample_size", DEFAULT_TILE)
    if isinstance(side, list):
        side = min(side)
    return VaeFacts(bool(config.get("force_upcast", True)), int(side))
