"""Reads a single file of weights: under canonical names, in full numbers, without the harmless."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.loaders.single_file_utils import load_single_file_checkpoint
from safetensors import safe_open

from engine.errors import ModelUnavailable
from engine.hub.checkpoint_names import SCALES, canonical, check_readable, is_ignored, is_scale
from engine.hub.prediction import Prediction, prediction_of
from speech import say

Weights = dict[str, torch.Tensor]

FLOAT8 = frozenset({torch.float8_e4m3fn, torch.float8_e5m2})


@dataclass(frozen=True, slots=True)
class CheckpointWeights:
    """What is in a single file of weights.

    Attributes:
        file: Which.
        tensors: By canonical name.
        prediction: What the file says of its UNet.
    """

    file: Path
    tensors: Weights
    prediction: Prediction

    def under(self, *prefixes: str) -> Weights:
        """The tensors whose names begin with one of `prefixes`."""
        return {name: each for name, each in self.tensors.items() if name.startswith(prefixes)}


def read_checkpoint(file: Path, dtype: torch.dtype) -> CheckpointWeights:
    """Read the weights in `file`; those that are stored with a scale come out in `dtype`.

    Raises:
        ModelUnavailable: They are quantized in a way that can't be read, or predict something
            unknown.
    """
    stored = load_single_file_checkpoint(str(file), local_files_only=True)
    tensors = {canonical(name): each for name, each in stored.items() if hasattr(each, "shape")}
    check_readable(tensors, file.name)
    prediction = prediction_of(tensors.keys(), _metadata(file), file.name)
    unscaled = _unscale(tensors, dtype, file)
    used = {name: each for name, each in unscaled.items() if each.numel() and not is_ignored(name)}
    return CheckpointWeights(file, used, prediction)


def _metadata(file: Path) -> Mapping[str, str]:
    if file.suffix.lower() != ".safetensors":
        return {}
    with safe_open(file, framework="pt") as opened:
        return dict(opened.metadata() or {})


def _unscale(tensors: Weights, dtype: torch.dtype, file: Path) -> Weights:
    """The tensors with float8 weights times their scales, as ComfyUI writes them.

    A scale is one number, or one for each row of the weight's matrix.
    """
    result = {name: each for name, each in tensors.items() if not is_scale(name)}
    for name, scale in tensors.items():
        if not is_scale(name):
            continue
        layer = name.removesuffix(next(end for end in SCALES if name.endswith(end)))
        weight = result.get(f"{layer}.weight")
        if weight is None or weight.dtype not in FLOAT8 or not _fits(scale, weight):
            raise ModelUnavailable(
                say(
                    "{file} has a scale {scale} that doesn't fit its weight. Use the same model "
                    "in FP16, BF16 or GGUF.",
                    file=file.name,
                    scale=name,
                )
            )
        rows = scale.float().reshape(-1, *[1] * (weight.ndim - 1))
        result[f"{layer}.weight"] = (weight.float() * rows).to(dtype)
    return result


def _fits(scale: torch.Tensor, weight: torch.Tensor) -> bool:
    return scale.numel() == 1 or scale.shape in ((len(weight),), (len(weight), 1))
