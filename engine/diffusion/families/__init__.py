"""One file per kind of pipeline. Adding a family is one line in `family_of`'s table."""

from pathlib import Path
from typing import Any

from engine.diffusion.devices import Device
from engine.diffusion.families.base import Family, Row
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.families.whole import Whole
from engine.diffusion.previews import STABLE_DIFFUSION_1, LatentMap

__all__ = ["Family", "Row", "family_of"]


def family_of(pipe: Any, device: Device, folder: Path | None) -> Family:
    """The family that steps `pipe` on `device`; it was loaded from `folder` if it was local."""
    match type(pipe).__name__:
        case "StableDiffusionPipeline":
            own = LatentMap.read(folder) if folder else None
            return StableDiffusion(pipe, device, own or STABLE_DIFFUSION_1)
        case _:
            return Whole(pipe)
