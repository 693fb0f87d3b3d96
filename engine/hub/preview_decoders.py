"""Tiny autoencoders for previews: which fits a family, and where its files are."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from engine.hub.model_folders import cached_folder

FILES = ("config.json", "diffusion_pytorch_model.safetensors")

PREVIEW_DECODERS: Mapping[str, str] = MappingProxyType(
    {
        "sd": "madebyollin/taesd",
        "sdxl": "madebyollin/taesdxl",
        "pixart-sigma": "madebyollin/taesdxl",
        "sd3": "madebyollin/taesd3",
        "flux": "madebyollin/taef1",
        "z-image": "madebyollin/taef1",
        "lumina2": "madebyollin/taef1",
    }
)
"""Hub IDs by family, about 10 MB each: Bohan, "Tiny AutoEncoder for Stable Diffusion", MIT licence
(github.com/madebyollin/taesd). PixArt-Σ has the VAE of SDXL, Z-Image and Lumina-Image that of
FLUX.1."""


def preview_decoder_on_disk(family: str) -> Path | None:
    """The folder of the family's tiny autoencoder in the cache; `None` if it isn't there."""
    repo = PREVIEW_DECODERS.get(family)
    return cached_folder(repo, FILES) if repo else None
