"""Loads control networks from their files."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import diffusers
import torch

from engine.diffusion.checked_loading import load_checked, reason_of
from engine.diffusion.families.z_image_control_file import ZImageControlFile
from engine.errors import ModelUnavailable
from engine.hub.control_files import WEIGHTS, weights_in
from engine.hub.tensor_headers import read_safetensors
from engine.models.controls import ControlNetwork
from speech import say

UNION = "task_embedding"
"""The tensor that tells a ControlNet Union from others: a row for each type of map."""

CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "sd": "ControlNetModel",
        "sdxl": "ControlNetModel",
        "qwen-image": "QwenImageControlNetModel",
        "z-image": "ZImageControlNetModel",
    }
)
"""The Diffusers classes of networks with one input, by family."""

SINGLE_FILES: Mapping[str, Any] = MappingProxyType({"z-image": ZImageControlFile})
"""What loads networks in single files, by family."""


def load_control(network: ControlNetwork, place: Path, dtype: torch.dtype) -> Any:
    """The network, loaded into RAM from safetensors: nothing in it can run code.

    Args:
        network: Its entry in the settings.
        place: Its folder in the Diffusers layout, or its file.
        dtype: What it computes in.

    Raises:
        ModelUnavailable: It can't be loaded, or isn't a control network of that family.
    """
    single = None if place.is_dir() else SINGLE_FILES.get(network.family)
    if single is not None:
        return load_checked(single, place, partial(_not_loaded, network), dtype=dtype)
    file = weights_in(place) if place.is_dir() else None
    if file is None:
        raise ModelUnavailable(
            say(
                "The control network “{name}” needs a folder or a Hub ID in the Diffusers layout.",
                name=network.name,
            )
        )
    try:
        tensors = {tensor.name: tensor for tensor in read_safetensors(file)}
    except OSError as error:
        raise _not_loaded(network, reason_of(error)) from error
    kind, options = CLASSES[network.family], {}
    if (union := tensors.get(UNION)) is not None:
        kind, options = "ControlNetUnionModel", {"num_control_type": union.shape[0]}
    return load_checked(
        getattr(diffusers, kind),
        place,
        partial(_not_loaded, network),
        variant="fp16" if file.name == WEIGHTS[0] else None,
        dtype=dtype,
        **options,
    )


def _not_loaded(network: ControlNetwork, reason: str) -> ModelUnavailable:
    return ModelUnavailable(
        say(
            "The control network “{name}” couldn't be loaded: {reason}.",
            name=network.name,
            reason=reason,
        )
    )
