"""Whether a LoRA file fits a model, found without the model's weights."""

from pathlib import Path

import torch
from torch import nn

from engine.diffusion.lora.loading import LoraLoader
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.training.footprint import add_encoders, meta_pipeline
from engine.models.adapters import Adapter
from engine.models.families import FAMILIES


def require_fitting(folder: Path, family: str, name: str, file: Path) -> None:
    """Load a LoRA as for painting, into layers that take no memory.

    Args:
        folder: The model's, in Diffusers' layout; weights aren't read.
        family: The model's.
        name: What to call the LoRA in errors.
        file: The LoRA.

    Raises:
        InvalidRequest: It's for another family, nothing here reads a part of it, or not all of its
            numbers are finite.
        ModelUnavailable: It's damaged.
    """
    facts = FAMILIES[family]
    pipe = meta_pipeline(folder, family)
    add_encoders(pipe, folder, facts.text_encoders)
    for part in pipe.components.values():
        if isinstance(part, nn.Module):
            _weigh_nothing(part)
    components = OffloadedComponents(pipe, torch.device("cpu"))
    LoraLoader(pipe, components, facts).load(Adapter(name=name, source=str(file)), file)


def _weigh_nothing(module: nn.Module) -> None:
    """Give each tensor its shape over a single number in RAM."""
    for parent in module.modules():
        for name, weight in list(parent.named_parameters(recurse=False)):
            setattr(parent, name, nn.Parameter(_single(weight), requires_grad=False))
        for name, buffer in list(parent.named_buffers(recurse=False)):
            setattr(parent, name, _single(buffer))


def _single(tensor: torch.Tensor) -> torch.Tensor:
    return torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)
