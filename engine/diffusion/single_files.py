"""Builds components from the weights of a single file, and accounts for every tensor in it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.loaders.single_file_model import SINGLE_FILE_LOADABLE_CLASSES
from diffusers.loaders.single_file_utils import (
    SingleFileComponentError,
    convert_ldm_clip_checkpoint,
    convert_open_clip_checkpoint,
    create_diffusers_clip_model_from_ldm,
)
from torch import nn

from engine.diffusion.checkpoint_weights import CheckpointWeights, Weights
from engine.diffusion.oom import out_of_memory
from engine.errors import ModelUnavailable
from engine.hub.checkpoint_names import REPLACED, UNET, grouped
from engine.hub.single_file import FIRST_CONVOLUTION, VAE
from engine.memory.components import Component, Role
from speech import say

MISMATCH_ERRORS = (SingleFileComponentError, LookupError, ValueError, RuntimeError)
"""What Diffusers raises if the tensors of a file aren't those of the component."""

CLIP_PREFIXES: Mapping[str, tuple[str, ...]] = {
    "text_encoder": ("cond_stage_model.", "conditioner.embedders.0."),
    "text_encoder_2": ("conditioner.embedders.1.",),
}
"""What the names of a text encoder's tensors begin with."""


def load_component(
    part: Component, weights: CheckpointWeights, folder: Path, dtype: torch.dtype
) -> Any:
    """One component, configured as in `folder`.

    Raises:
        ModelUnavailable: The file has others than the component's weights, fewer or more.
    """
    tensors = _tensors_of(part, weights)
    try:
        if part.role is Role.TEXT_ENCODER:
            module = _text_encoder(part, tensors, folder, dtype)
        else:
            module = _diffusers_model(part, tensors, folder, dtype)
    except MISMATCH_ERRORS as error:
        if out_of_memory(error):
            raise
        raise ModelUnavailable(mismatch(weights.file, part)) from error
    if any(weight.is_meta for weight in module.parameters()):
        raise ModelUnavailable(mismatch(weights.file, part))
    if unused := _unused(part, tensors, module):
        raise ModelUnavailable(
            say(
                "{file} doesn't fit: it has weights that the source's {part} doesn't use: "
                "{tensors}. Enter the source it was made for, or choose another file.",
                file=weights.file.name,
                part=part.class_name,
                tensors=grouped(unused),
            )
        )
    return module


def mismatch(file: Path, part: Component) -> str:
    """The sentence for a file whose weights aren't those of the component."""
    return say(
        "{file} doesn't fit: its weights don't match the source's {part}. Enter the source it "
        "was made for, or choose another file.",
        file=file.name,
        part=part.class_name,
    )


def _tensors_of(part: Component, weights: CheckpointWeights) -> Weights:
    """The component's tensors; those of a file without any of the prefixes are all a denoiser's."""
    match part.role:
        case Role.DENOISER:
            return weights.under(UNET) or dict(weights.tensors)
        case Role.VAE:
            return weights.under(*VAE)
        case _:
            return weights.under(*CLIP_PREFIXES[part.name])


def _diffusers_model(
    part: Component, tensors: Weights, folder: Path, dtype: torch.dtype | None
) -> Any:
    channels: dict[str, int] = {}
    if (first := tensors.get(FIRST_CONVOLUTION, tensors.get("conv_in.weight"))) is not None and (
        part.class_name == diffusers.UNet2DConditionModel.__name__
    ):
        channels["in_channels"] = first.shape[1]
    return getattr(diffusers, part.class_name).from_single_file(
        dict(tensors),
        config=str(folder),
        subfolder=part.name,
        local_files_only=True,
        dtype=dtype,
        **channels,
    )


def _text_encoder(part: Component, tensors: Weights, folder: Path, dtype: torch.dtype) -> Any:
    return create_diffusers_clip_model_from_ldm(
        getattr(transformers, part.class_name),
        checkpoint=tensors,
        subfolder=part.name,
        config=str(folder),
        torch_dtype=dtype,
        local_files_only=True,
    )


def _unused(part: Component, tensors: Weights, module: nn.Module) -> tuple[str, ...]:
    """Names of the tensors that didn't become part of the module.

    If the file has as many numbers as the module, none is left over. Otherwise the tensors are
    converted once more with their place in the file for every number, which shows where they go.
    """
    state = module.state_dict()
    if _numbers(tensors.values()) == _numbers(state.values()):
        return ()
    places = {
        name: torch.tensor(place, dtype=torch.int16).expand(each.shape)
        for place, (name, each) in enumerate(tensors.items())
    }
    used = {
        place
        for name, converted in _converted(part, places, module).items()
        if name in state or name.removeprefix("text_model.") in state
        for place in torch.unique(converted).tolist()
    }
    return tuple(
        name
        for place, name in enumerate(tensors)
        if place not in used and not REPLACED.fullmatch(name)
    )


def _numbers(tensors: Iterable[torch.Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)


def _converted(part: Component, tensors: Weights, module: nn.Module) -> Weights:
    """The tensors under Diffusers' names."""
    if part.role is not Role.TEXT_ENCODER:
        convert = SINGLE_FILE_LOADABLE_CLASSES[part.class_name]["checkpoint_mapping_fn"]
        return dict(convert(config=dict(module.config), checkpoint=dict(tensors)))  # type: ignore[arg-type]
    for prefix in ("cond_stage_model.model.", "conditioner.embedders.1.model."):
        if any(name.startswith(prefix) for name in tensors):
            return dict(convert_open_clip_checkpoint(module, tensors, prefix=prefix))
    return dict(convert_ldm_clip_checkpoint(tensors))
