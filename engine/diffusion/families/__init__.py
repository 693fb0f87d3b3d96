"""One file per kind of pipeline. Adding a family is one line in `STEPPED`."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.diffusion.families.base import Family, Row, Start
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.families.stepped import Stepped
from engine.diffusion.families.whole import Whole
from engine.diffusion.placement import Parts
from engine.diffusion.previews import STABLE_DIFFUSION_1, LatentMap
from engine.families import family_named_by

__all__ = ["Family", "Row", "Start", "family_of"]

STEPPED: Mapping[str, tuple[type[Stepped], LatentMap | None]] = MappingProxyType(
    {
        "sd": (StableDiffusion, STABLE_DIFFUSION_1),
    }
)


def family_of(pipe: Any, parts: Parts, folder: Path | None) -> Family:
    """The family that steps `pipe`; a map for previews in `folder`, where it lies, comes first."""
    entry = STEPPED.get(family_named_by(type(pipe).__name__) or "")
    if entry is None:
        return Whole(pipe)
    family, latent_map = entry
    own = LatentMap.read(folder) if folder else None
    return family(pipe, parts, own or latent_map)
