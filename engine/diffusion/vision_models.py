"""Loads models of Transformers that look at pictures: classifiers, segmentation, depth, poses."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoImageProcessor

from engine.diffusion.checked_loading import LOADING_ERRORS, load_checked, reason_of
from engine.errors import ModelUnavailable
from speech import say


def load_vision_model(kind: Any, folder: Path, failed: str) -> tuple[Any, Any]:
    """The model in `folder` and its processor, in RAM, from safetensors: nothing can run code.

    Args:
        kind: The class of Transformers to load it with.
        folder: Where its files are.
        failed: The phrase that says that it couldn't be loaded, with a place for the `reason`.

    Raises:
        ModelUnavailable: It can't be loaded, or lacks weights.
    """

    def unavailable(reason: str) -> ModelUnavailable:
        return ModelUnavailable(say(failed, reason=reason))

    try:
        # The Pillow processors; the others need torchvision.
        processor = AutoImageProcessor.from_pretrained(
            folder, backend="pil", local_files_only=True, trust_remote_code=False
        )
    except LOADING_ERRORS as error:
        raise unavailable(reason_of(error)) from error
    model = load_checked(kind, folder, unavailable, dtype=torch.float32, trust_remote_code=False)
    return model, processor
