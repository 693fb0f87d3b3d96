"""What the configuration of a VAE says about the memory that it takes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

TILES: Mapping[str, int] = MappingProxyType({"AutoencoderDC": 512, "AutoencoderKLQwenImage": 256})
"""Sides of the tiles of the classes whose configuration names none (`tile_sample_min_height`)."""

USUAL_TILE = 512


class VaeFacts(NamedTuple):
    """See `Component`, which has both."""

    force_upcast: bool = True
    tile_side: int = USUAL_TILE


def vae_facts(class_name: str, config: Mapping[str, Any]) -> VaeFacts:
    """Read them from the `config.json` of a VAE of that class.

    An AutoencoderKL cuts its tiles as large as its `sample_size`, and decodes in single precision
    unless its `force_upcast` is false.
    """
    side = TILES.get(class_name) or config.get("sample_size", USUAL_TILE)
    if isinstance(side, list):
        side = min(side)
    return VaeFacts(bool(config.get("force_upcast", True)), int(side))
