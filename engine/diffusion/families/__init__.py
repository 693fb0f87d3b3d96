"""One file per kind of pipeline. Adding a family is one line in `STEPPED`."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.diffusion.families.base import Family, InitImage, Sample
from engine.diffusion.families.flux import Flux
from engine.diffusion.families.flux2_klein import Flux2Klein
from engine.diffusion.families.pixart_sigma import PixArtSigma
from engine.diffusion.families.qwen_image import QwenImage
from engine.diffusion.families.sana import Sana
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.families.stable_diffusion_3 import StableDiffusion3
from engine.diffusion.families.stable_diffusion_xl import StableDiffusionXL
from engine.diffusion.families.stepped import Stepped
from engine.diffusion.families.whole_pipeline import WholePipeline
from engine.diffusion.families.z_image import ZImage
from engine.diffusion.latent_rgb import FLUX, FLUX_2, QWEN_IMAGE, STABLE_DIFFUSION_3
from engine.diffusion.offload import AccelerateOffload, OffloadedComponents
from engine.diffusion.previews import STABLE_DIFFUSION_1, STABLE_DIFFUSION_XL, LatentMap
from engine.diffusion.textual_inversion import TextualInversions
from engine.models.adapters import AdapterCatalogue
from engine.models.families import family_named_by

__all__ = ["Family", "InitImage", "Sample", "family_of", "is_stepped"]

STEPPED: Mapping[str, tuple[type[Stepped], LatentMap | None]] = MappingProxyType(
    {
        "sd": (StableDiffusion, STABLE_DIFFUSION_1),
        "sdxl": (StableDiffusionXL, STABLE_DIFFUSION_XL),
        "sd3": (StableDiffusion3, STABLE_DIFFUSION_3),
        "flux": (Flux, FLUX),
        "flux2-klein": (Flux2Klein, FLUX_2),
        "z-image": (ZImage, FLUX),
        "qwen-image": (QwenImage, QWEN_IMAGE),
        "pixart-sigma": (PixArtSigma, STABLE_DIFFUSION_XL),
        "sana": (Sana, None),
    }
)


def is_stepped(pipe: Any) -> bool:
    """Whether the engine steps this pipeline itself, and so moves its components itself."""
    return family_named_by(type(pipe).__name__) in STEPPED


def family_of(
    pipe: Any,
    parts: OffloadedComponents | AccelerateOffload,
    folder: Path | None,
    *,
    adapters: AdapterCatalogue | None = None,
    inversions: TextualInversions | None = None,
) -> Family:
    """The family that steps `pipe`; a map for previews in `folder`, where it lies, comes first."""
    if isinstance(parts, AccelerateOffload):
        return WholePipeline(pipe, parts)
    family, latent_map = STEPPED[family_named_by(type(pipe).__name__) or ""]
    own = LatentMap.read(folder) if folder else None
    return family(pipe, parts, own or latent_map, adapters=adapters, inversions=inversions)
