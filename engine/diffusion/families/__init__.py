"""One file per kind of pipeline. CONTRIBUTING.md says how to add one."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.diffusion.families.base import Family, InitImage, Sample
from engine.diffusion.families.flux import Flux
from engine.diffusion.families.flux2_klein import Flux2Klein
from engine.diffusion.families.lumina2 import Lumina2
from engine.diffusion.families.pixart_sigma import PixArtSigma
from engine.diffusion.families.qwen_image import QwenImage
from engine.diffusion.families.sana import Sana
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.families.stable_diffusion_3 import StableDiffusion3
from engine.diffusion.families.stable_diffusion_xl import StableDiffusionXL
from engine.diffusion.families.stepped import Stepped
from engine.diffusion.families.whole_pipeline import WholePipeline
from engine.diffusion.families.z_image import ZImage
from engine.diffusion.offload import AccelerateOffload, OffloadedComponents
from engine.diffusion.previews import LatentMap
from engine.diffusion.textual_inversion import TextualInversions
from engine.models.adapters import AdapterCatalogue
from engine.models.families import family_named_by

__all__ = ["STEPPED", "Family", "InitImage", "Sample", "family_of", "is_stepped"]

STEPPED: Mapping[str, type[Stepped]] = MappingProxyType(
    {
        kind.family: kind
        for kind in (
            StableDiffusion,
            StableDiffusionXL,
            StableDiffusion3,
            Flux,
            Flux2Klein,
            ZImage,
            QwenImage,
            PixArtSigma,
            Sana,
            Lumina2,
        )
    }
)
"""The families by their names in `engine.models.families.FAMILIES`."""


def is_stepped(pipe: Any) -> bool:
    """Whether the engine steps this pipeline itself, and so moves its components itself."""
    return family_named_by(type(pipe).__name__) in STEPPED


def family_of(
    pipe: Any,
    components: OffloadedComponents | AccelerateOffload,
    folder: Path | None,
    *,
    adapters: AdapterCatalogue | None = None,
    inversions: TextualInversions | None = None,
) -> Family:
    """The family that steps `pipe`; a preview map in `folder`, the model's, overrides its own."""
    if isinstance(components, AccelerateOffload):
        return WholePipeline(pipe, components)
    family = STEPPED[family_named_by(type(pipe).__name__) or ""]
    latent_map = LatentMap.read(folder) if folder else None
    return family(pipe, components, latent_map, adapters=adapters, inversions=inversions)
