"""Loads models that write into RAM, in the widest numbers that fit."""

from pathlib import Path
from typing import Any

import psutil
import torch

from engine.diffusion.checked_loading import load_checked, reason_of
from engine.errors import ModelUnavailable
from engine.hub.language_files import weight_files
from engine.hub.tensor_headers import read_safetensors
from engine.sizes import human_size
from speech import say

RESERVE = 1_000_000_000
"""Bytes of RAM left for everything else, and for what the model computes with."""


def load(kind: Any, folder: Path) -> Any:
    """Load a model from safetensors: nothing in it can run code.

    Args:
        kind: A class of Transformers with `from_pretrained`, such as `AutoModelForCausalLM`.
        folder: Where its files are.

    Raises:
        ModelUnavailable: It can't be loaded, lacks weights, or RAM has no room for it.
    """
    dtype = fitting_dtype(folder)
    return load_checked(kind, folder, _unavailable, dtype=dtype, trust_remote_code=False)


def fitting_dtype(folder: Path) -> torch.dtype:
    """The numbers to compute in: float32, which processors are quickest with, or half of that.

    Raises:
        ModelUnavailable: RAM has room for neither, or a file is damaged.
    """
    try:
        tensors = [each for file in weight_files(folder) for each in read_safetensors(file)]
    except OSError as error:
        raise not_loaded(error) from error
    parameters = sum(tensor.parameters for tensor in tensors)
    free = psutil.virtual_memory().available
    for dtype in (torch.float32, torch.bfloat16):
        if parameters * dtype.itemsize + RESERVE <= free:
            return dtype
    raise ModelUnavailable(
        say(
            "The language model needs {needed} of RAM; only {free} free. Try again later, or ask "
            "the bot's owner to choose a smaller one.",
            needed=human_size(parameters * torch.bfloat16.itemsize + RESERVE),
            free=human_size(free),
        )
    )


def not_loaded(error: Exception) -> ModelUnavailable:
    """What to tell about an error of Transformers."""
    return _unavailable(reason_of(error))


def _unavailable(reason: str) -> ModelUnavailable:
    return ModelUnavailable(say("The language model couldn't be loaded: {reason}.", reason=reason))
