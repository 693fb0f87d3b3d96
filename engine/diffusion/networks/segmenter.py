"""Segmentation models of Transformers that tell the subject of a picture from its background."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL import Image
from transformers import AutoModelForSemanticSegmentation

from engine.diffusion.vision_models import load_vision_model
from engine.errors import InvalidRequest, ModelUnavailable
from speech import phrase, say

FAILED = phrase("The segmentation model couldn't be loaded: {reason}.")

SURE = 0.9
"""A pixel that belongs to the subject with this probability is opaque, and transparent with one
minus it: what lies well inside or outside doesn't shimmer through."""


class Segmenter:
    """Finds the subject of pictures."""

    def __init__(self, model: Any, processor: Any, background: Sequence[str]) -> None:
        """Prepare to segment.

        Args:
            model: A Transformers model for semantic segmentation. With one label it finds the
                subject itself.
            processor: Preprocesses pictures for the model.
            background: The labels of what isn't the subject, in any case.

        Raises:
            ModelUnavailable: It has no such label.
        """
        labels = [str(model.config.id2label[place]) for place in sorted(model.config.id2label)]
        wanted = {label.casefold() for label in background}
        known = {label.casefold() for label in labels}
        if len(labels) > 1 and (unknown := sorted(wanted - known)):
            raise ModelUnavailable(
                say(
                    "The segmentation model has no label {unknown}. Its labels are {labels}.",
                    unknown=", ".join(unknown),
                    labels=", ".join(labels),
                )
            )
        self._model, self._processor = model.eval(), processor
        self._background = [n for n, name in enumerate(labels) if name.casefold() in wanted]
        self._finds_subject = len(labels) == 1
        for crops in ("do_center_crop", "do_pad"):  # the mask covers the whole picture
            if getattr(processor, crops, None):
                setattr(processor, crops, False)

    @classmethod
    def load(cls, folder: Path, background: Sequence[str]) -> Self:
        """Load the model in `folder` into RAM, from safetensors: nothing in it can run code.

        Raises:
            ModelUnavailable: It can't be loaded, or has no such label.
        """
        model, processor = load_vision_model(AutoModelForSemanticSegmentation, folder, FAILED)
        return cls(model, processor, background)

    def move(self, device: torch.device) -> None:
        """Move it to a device. It stays in float32: it works once for a picture."""
        self._model.to(device)

    @torch.inference_mode()
    def cut_out(self, image: Image.Image) -> Image.Image:
        """The picture with a transparent background, RGBA; its colours stay as they are.

        Raises:
            InvalidRequest: When all of it is background.
        """
        inputs = self._processor(images=[image.convert("RGB")], return_tensors="pt")
        logits = self._model(**inputs.to(self._model.device)).logits[0].float().cpu()
        subject = (
            logits[0].sigmoid()
            if self._finds_subject
            else 1 - logits.softmax(0)[self._background].sum(0)
        )
        if float(subject.max()) < 0.5:
            raise InvalidRequest(say("No subject was found in this picture: all is background."))
        opaque = ((subject - (1 - SURE)) / (2 * SURE - 1)).clamp(0, 1)
        mask = Image.fromarray(np.rint(opaque.numpy() * 255).astype(np.uint8))
        mask = mask.resize(image.size, Image.Resampling.BICUBIC)
        cut = image.convert("RGB")
        cut.putalpha(mask)
        return cut
