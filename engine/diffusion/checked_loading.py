"""Loads a module from a folder and accounts for its weights: Transformers makes up missing ones."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from engine.diffusion.build_lock import BUILD_LOCK
from engine.diffusion.oom import out_of_memory
from engine.errors import ModelUnavailable
from engine.hub.checkpoint_names import grouped
from speech import say

log = logging.getLogger(__name__)

LOADING_ERRORS = (
    *(OSError, ValueError, RuntimeError, KeyError, TypeError, ImportError, AttributeError),
    SafetensorError,
)
"""What Diffusers and Transformers raise over files that they can't load."""


def load_checked(
    kind: Any, folder: Path, failed: Callable[[str], ModelUnavailable], **options: Any
) -> Any:
    """A module in RAM, ready to compute, from safetensors: nothing in it can run code.

    The log names weights in the file that the module doesn't use.

    Args:
        kind: A class of Diffusers or Transformers with `from_pretrained`.
        folder: Where its files are.
        failed: Makes the error from a reason, which ends without a full stop.
        options: For `from_pretrained`, such as `dtype`.

    Raises:
        ModelUnavailable: It can't be loaded, or lacks weights.
        RuntimeError: Memory ran out, if no `MemoryError` or `OSError` says so; see `out_of_memory`.
    """
    try:
        # Its parameters are to be ordinary tensors, wherever it is loaded.
        with BUILD_LOCK, torch.inference_mode(False), torch.no_grad():
            module, found = kind.from_pretrained(
                folder,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                **options,
            )
    except LOADING_ERRORS as error:
        if out_of_memory(error):
            raise
        raise failed(reason_of(error)) from error
    if missing := sorted(found["missing_keys"]):
        raise failed(say("its weights are missing {name}", name=missing[0]))
    if unused := sorted(found["unexpected_keys"]):
        log.warning("Not used of %s: %s", folder, grouped(unused))
    return module.eval().requires_grad_(False)


def reason_of(error: Exception) -> str:
    """The first line of what a library says of files that it can't load, without full stop."""
    return str(error).strip().split("\n", 1)[0].rstrip(".")
