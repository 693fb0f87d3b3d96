"""Builds the Diffusers pipeline of a model, in RAM and in the precision that its plan says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.pipelines.auto_pipeline import (
    AUTO_TEXT2IMAGE_PIPELINES_MAPPING,
    _get_task_class,
)
from diffusers.pipelines.pipeline_loading_utils import simple_get_class_obj
from torch import nn

from engine.diffusion.checkpoint_weights import read_checkpoint
from engine.diffusion.gguf import check_quantization_types, dequantize_others, gguf_config
from engine.diffusion.modular_pipeline import is_modular_class, modular_pipeline
from engine.diffusion.nearest_resize import lend_resize
from engine.diffusion.oom import out_of_memory
from engine.diffusion.picture_processors import picture_processor, reads_pictures
from engine.diffusion.quantization import (
    pipeline_config,
    quantization_configs,
    quantized,
    to_ram,
)
from engine.diffusion.schedulers import with_options
from engine.diffusion.single_files import MISMATCH_ERRORS, load_component, mismatch
from engine.errors import ModelUnavailable
from engine.hub import LocalFiles
from engine.hub.index_entries import IndexEntry, entries_of
from engine.hub.local_files import index_in, read_json
from engine.hub.pipeline_layout import INDEX
from engine.hub.prediction import Prediction
from engine.hub.single_file import NOT_IN_CHECKPOINTS
from engine.memory.components import Component, Role
from engine.memory.plan import Plan, Quantization
from engine.models.families import FAMILIES
from engine.models.inspection import Inspection
from engine.models.model import Model


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
    index = read_json(folder / (index_in(folder) or INDEX))
    entries = _entries(folder, index)
    configs = quantization_configs(plan, {name: one.library or "" for name, one in entries.items()})
    kind = _kind(inspection)
    lend_resize()
    variant = model.variant if files.checkpoint is None else None
    single = _from_single_files(folder, files, inspection, dtype, configs)
    components = {
        name: picture_processor(folder / one.folder, one.class_name)
        for name, one in entries.items()
        if reads_pictures(folder / one.folder, one.class_name)
    }
    components |= single.components
    use_safetensors = None if allow_pickle else True

    def load(name: str, **options: Any) -> Any:
        options |= {"dtype": dtype, "variant": variant, "use_safetensors": use_safetensors}
        return _component(folder, entries[name], **options)

    for name in (name for name in configs if plan.places[name].quantization is Quantization.NF4):
        components[name] = to_ram(
            components[name]
            if name in components
            else load(name, quantization_config=configs[name])
        )
    configs = {name: config for name, config in configs.items() if name not in components}
    if is_modular_class(kind):
        pipe = modular_pipeline(
            kind,
            index,
            frozenset(entries),
            lambda name: (
                components[name]
                if name in components
                else load(
                    name, **({"quantization_config": configs[name]} if name in configs else {})
                )
            ),
        )
    else:
        pipe = kind.from_pretrained(
            folder,
            variant=variant,
            dtype=dtype,
            use_safetensors=use_safetensors,
            quantization_config=pipeline_config(configs) if files.checkpoint is None else None,
            **_missing_components(index, checkpoint=files.checkpoint is not None),
            **components,
        )
    if plan.vae_float32:
        pipe.vae.to(torch.float32)
    options = single.prediction.scheduler_options(pipe.scheduler.config.get("prediction_type"))
    if options := options | dict(model.scheduler_options):
        pipe.scheduler = with_options(pipe.scheduler, options)
    return pipe


def _kind(inspection: Inspection) -> Any:
    """The class to load: its family's first, or what Diffusers paints from prompts with."""
    if inspection.family is not None:
        return getattr(diffusers, FAMILIES[inspection.family].pipelines[0])
    name = inspection.pipeline
    found = _get_task_class(AUTO_TEXT2IMAGE_PIPELINES_MAPPING, name, throw_error_if_not_exist=False)
    return found or getattr(diffusers, name)


def _missing_components(index: Mapping[str, Any], *, checkpoint: bool) -> dict[str, Any]:
    """The components that a pipeline is loaded without, as Diffusers has to be told.

    SD3 is often published without its largest text encoder; checkpoints lack some of their base's.
    """
    return {
        name: None
        for name, value in index.items()
        if value == [None, None] or (checkpoint and name in NOT_IN_CHECKPOINTS)
    }


def _entries(folder: Path, index: Mapping[str, Any]) -> dict[str, IndexEntry]:
    """The components that are in `folder`, by name."""
    folders = {each.name for each in folder.iterdir() if each.is_dir()}
    return {each.name: each for each in entries_of(index) if each.folder in folders}


def _component(folder: Path, entry: IndexEntry, *, variant: str | None, **options: Any) -> Any:
    """One component, of which `options` are those for models.

    Quantized, it is left on the device: of FLUX.1 that would be both the text encoder and the
    transformer.
    """
    kind = simple_get_class_obj(entry.library, entry.class_name)
    given: dict[str, Any] = {"subfolder": entry.folder, "local_files_only": True}
    if entry.library == "transformers":
        given["trust_remote_code"] = False
    if issubclass(kind, nn.Module):
        variant = variant or entry.variant
        has_variant = any((folder / entry.folder).glob(f"*.{variant}*"))
        given |= options | {"variant": variant if has_variant else None}
    return kind.from_pretrained(folder, **given)


@dataclass(frozen=True, slots=True)
class _SingleFiles:
    """What single files give to a pipeline: components by name, and what the UNet predicts."""

    components: Mapping[str, Any] = field(default_factory=dict)
    prediction: Prediction = field(default_factory=Prediction)


def _from_single_files(
    folder: Path,
    files: LocalFiles,
    inspection: Inspection,
    dtype: torch.dtype,
    configs: Mapping[str, Any],
) -> _SingleFiles:
    """The components of a checkpoint, and a denoiser that has a file of its own."""
    components: dict[str, Any] = {}
    prediction = Prediction()
    [denoiser] = [part for part in inspection.components if part.role is Role.DENOISER]
    if files.checkpoint is not None:
        weights = read_checkpoint(files.checkpoint, dtype)
        prediction = weights.prediction
        components = {
            part.name: load_component(part, weights, folder, dtype)
            for part in inspection.components
            if part != denoiser or files.denoiser is None
        }
    if files.denoiser is not None and denoiser.stored_as is Quantization.GGUF:
        components[denoiser.name] = _from_gguf(files.denoiser, folder, denoiser, dtype)
    elif files.denoiser is not None:
        weights = read_checkpoint(files.denoiser, dtype)
        prediction = weights.prediction
        components[denoiser.name] = load_component(denoiser, weights, folder, dtype)
    method = configs.get(denoiser.name)
    if method is not None and denoiser.name in components:
        components[denoiser.name] = quantized(components[denoiser.name], method, dtype)
    return _SingleFiles(components, prediction)


def _from_gguf(file: Path, folder: Path, part: Component, dtype: torch.dtype) -> Any:
    """A denoiser whose weights stay quantized as they are in the file."""
    stored = gguf_config(dtype)
    check_quantization_types(file)
    try:
        module = getattr(diffusers, part.class_name).from_single_file(
            str(file),
            config=str(folder),
            subfolder=part.name,
            local_files_only=True,
            dtype=dtype,
            quantization_config=stored,
        )
    except MISMATCH_ERRORS as error:
        if out_of_memory(error):
            raise
        raise ModelUnavailable(mismatch(file, part)) from error
    if any(weight.is_meta for weight in module.parameters()):
        raise ModelUnavailable(mismatch(file, part))
    dequantize_others(module, dtype)
    return module
