"""Builds the Diffusers pipeline of a model, in RAM and in the precision that its plan says."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.loaders.single_file_utils import SingleFileComponentError

from engine.diffusion.file_weights import (
    denoiser_weights,
    needs_reading,
    older_text_encoder,
    scheduler_options,
    unused_tensors,
)
from engine.diffusion.gguf import check_quantization_types, dequantize_others, gguf_config
from engine.diffusion.quantization import quantization_config, quantized
from engine.errors import ModelUnavailable
from engine.hub import LocalFiles
from engine.memory.components import Component, Role
from engine.memory.plan import Plan, Quantization
from engine.models.catalogue import Model
from engine.models.inspection import Inspection
from speech import say

log = logging.getLogger(__name__)

CLIP_PREFIXES = ("cond_stage_model.transformer.", "conditioner.embedders.0.transformer.")
"""Of the text encoder in checkpoints of Stable Diffusion 1 and XL."""

MISMATCH_ERRORS = (SingleFileComponentError, LookupError, ValueError, RuntimeError)
"""What Diffusers raises if the tensors of a file aren't those of the component."""


def build_pipeline(
    model: Model, files: LocalFiles, inspection: Inspection, plan: Plan, *, allow_pickle: bool
) -> Any:
    """The pipeline with all its weights; nothing is downloaded.

    Args:
        model: Its entry in the catalogue.
        files: Where its files are.
        inspection: What is in them.
        plan: Gives the precision of each component.
        allow_pickle: Whether weights may be pickles where there are no others.

    Raises:
        ModelUnavailable: The denoiser's file doesn't fit, or the library that reads it is missing.
    """
    dtype = getattr(torch, plan.dtype)
    folder = files.folder or files.settings
    assert folder is not None, "a checkpoint that was recognized has a base"
    config = quantization_config(plan, _libraries(folder))
    denoiser = _denoiser(folder, files, inspection, dtype, config)
    if files.checkpoint is not None:
        pipe = getattr(diffusers, inspection.pipeline).from_single_file(
            str(files.checkpoint),
            config=str(folder),
            local_files_only=True,
            dtype=dtype,
            feature_extractor=None,
            image_encoder=None,
            **_text_encoders(files.checkpoint, folder, dtype) | denoiser,
        )
        _apply(pipe, scheduler_options(files.checkpoint))
        if unused := unused_tensors(files.checkpoint):
            log.warning(
                "%d tensors of %s aren't used, such as %s",
                len(unused),
                files.checkpoint.name,
                unused[0],
            )
    else:
        pipe = diffusers.AutoPipelineForText2Image.from_pretrained(
            folder,
            variant=model.variant,
            dtype=dtype,
            use_safetensors=None if allow_pickle else True,
            quantization_config=config,
            **_missing_components(folder) | denoiser,
        )
    if plan.vae_float32:
        pipe.vae.to(torch.float32)
    _apply(pipe, model.scheduler_options)
    return pipe


def _apply(pipe: Any, options: Mapping[str, Any]) -> None:
    """Lay options over the configuration of the pipeline's scheduler."""
    if options:
        config = dict(pipe.scheduler.config) | dict(options)
        pipe.scheduler = type(pipe.scheduler).from_config(config)


def _text_encoders(file: Path, folder: Path, dtype: torch.dtype) -> dict[str, Any]:
    """The CLIP text encoder of a checkpoint, if Diffusers wouldn't know its names."""
    for prefix in CLIP_PREFIXES:
        if (weights := older_text_encoder(file, prefix)) is not None:
            config = transformers.CLIPTextConfig.from_pretrained(folder, subfolder="text_encoder")
            encoder = transformers.CLIPTextModel(config)
            if any(name.startswith("text_model.") for name in encoder.state_dict()):
                weights = {f"text_model.{name}": tensor for name, tensor in weights.items()}
            missing, unexpected = encoder.load_state_dict(weights, strict=False)
            for name in (*missing, *unexpected):
                if not name.endswith("position_ids"):  # newer versions compute them
                    raise ModelUnavailable(
                        say(
                            "The text encoder of {file} isn't known: {name}.",
                            file=file.name,
                            name=name,
                        )
                    )
            return {"text_encoder": encoder.to(dtype).eval()}
    return {}


def _missing_components(folder: Path) -> dict[str, Any]:
    """The components that a pipeline was saved without, as Diffusers has to be told.

    SD3 is often published without its largest text encoder.
    """
    index = diffusers.DiffusionPipeline.load_config(folder)
    return {name: None for name, value in index.items() if value == [None, None]}


def _libraries(folder: Path) -> Mapping[str, str]:
    """The library of each component's class."""
    index = diffusers.DiffusionPipeline.load_config(folder)
    return {name: value[0] for name, value in index.items() if isinstance(value, list | tuple)}


def _denoiser(
    folder: Path, files: LocalFiles, inspection: Inspection, dtype: torch.dtype, config: Any
) -> dict[str, Any]:
    """The denoiser by its name in the pipeline, if it isn't loaded with the rest.

    Either it has a file of its own, or it is quantized and comes from a checkpoint.
    """
    if files.denoiser is None and files.checkpoint is None:
        return {}
    [part] = [part for part in inspection.components if part.role is Role.DENOISER]
    method = config.quant_mapping.get(part.name) if config else None
    inside = files.checkpoint
    file = files.denoiser or (inside if inside and (method or needs_reading(inside)) else None)
    if file is None:
        return {}
    if part.stored_as is Quantization.GGUF:
        stored = gguf_config(dtype)
        check_quantization_types(file)
        module = _from_file(file, folder, part, dtype, stored)
        dequantize_others(module, dtype)
    else:
        module = _from_file(file, folder, part, dtype)
        module = quantized(module, method, dtype) if method else module
    return {part.name: module}


def _from_file(
    file: Path, folder: Path, part: Component, dtype: torch.dtype, stored: Any = None
) -> Any:
    """A component from a file of its own or from a checkpoint, configured as in `folder`."""
    try:
        weights = denoiser_weights(file, dtype) if stored is None and needs_reading(file) else None
        module = getattr(diffusers, part.class_name).from_single_file(
            weights or str(file),
            config=str(folder),
            subfolder=part.name,
            local_files_only=True,
            dtype=dtype,
            quantization_config=stored,
        )
    except (torch.OutOfMemoryError, ModelUnavailable):
        raise
    except MISMATCH_ERRORS as error:
        raise ModelUnavailable(_mismatch(file, part)) from error
    if any(weight.is_meta for weight in module.parameters()):
        raise ModelUnavailable(_mismatch(file, part))
    return module


def _mismatch(file: Path, part: Component) -> str:
    return say(
        "{file} doesn't fit: its weights don't match the source's {part}. Enter the source it "
        "was made for, or choose another file.",
        file=file.name,
        part=part.class_name,
    )
