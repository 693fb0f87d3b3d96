"""One file per kind of pipeline. CONTRIBUTING.md says how to add one."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.devices.executor_setup import FindIPAdapter, FindNetwork, network_on_disk, no_ip_adapter
from engine.diffusion.acceleration import Acceleration
from engine.diffusion.families.base import Family, InitImage, Sample
from engine.diffusion.families.chroma import Chroma
from engine.diffusion.families.flux import Flux
from engine.diffusion.families.flux2_klein import Flux2Klein
from engine.diffusion.families.flux_kontext import FluxKontext
from engine.diffusion.families.krea2 import Krea2
from engine.diffusion.families.lumina2 import Lumina2
from engine.diffusion.families.pixart_sigma import PixArtSigma
from engine.diffusion.families.qwen_image import QwenImage
from engine.diffusion.families.qwen_image_21 import QwenImage21
from engine.diffusion.families.qwen_image_edit import QwenImageEdit
from engine.diffusion.families.sana import Sana
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.families.stable_diffusion_3 import StableDiffusion3
from engine.diffusion.families.stable_diffusion_xl import StableDiffusionXL
from engine.diffusion.families.stepped import Stepped
from engine.diffusion.families.unet import UNetFamily
from engine.diffusion.families.whole_pipeline import WholePipeline
from engine.diffusion.families.z_image import ZImage
from engine.diffusion.offload import AccelerateOffload, OffloadedComponents
from engine.diffusion.previews import LatentMap, Previewer
from engine.diffusion.textual_inversion import TextualInversions
from engine.models.adapters import AdapterCatalogue
from engine.models.controls import ControlCatalogue
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
            FluxKontext,
            Flux2Klein,
            ZImage,
            QwenImage,
            QwenImageEdit,
            QwenImage21,
            PixArtSigma,
            Sana,
            Lumina2,
            Chroma,
            Krea2,
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
    previewer: Previewer | None = None,
    acceleration: Acceleration | None = None,
    controls: ControlCatalogue | None = None,
    find_control: FindNetwork = network_on_disk,
    find_ip_adapter: FindIPAdapter = no_ip_adapter,
) -> Family:
    """The family that steps `pipe`; a preview map in `folder`, the model's, overrides others."""
    if isinstance(components, AccelerateOffload):
        return WholePipeline(pipe, components, adapters)
    family = STEPPED[family_named_by(type(pipe).__name__) or ""]
    previewer = (LatentMap.read(folder) if folder else None) or previewer
    return family(
        pipe,
        components,
        previewer,
        adapters=adapters,
        inversions=inversions,
        acceleration=acceleration,
        controls=controls,
        find_control=find_control,
        **({"find_ip_adapter": find_ip_adapter} if issubclass(family, UNetFamily) else {}),
    )
