"""An image classifier of Transformers, on the CPU.

There a ViT-base takes 0.4 s a picture on one core, 340 MB of RAM, and nothing of the card, whose
memory is planned to the last byte for painting.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from PIL import Image
from safetensors import SafetensorError
from transformers import AutoImageProcessor, AutoModelForImageClassification

from engine.diffusion.build_lock import BUILD_LOCK
from engine.errors import ModelUnavailable
from engine.hub.classifier_files import check_labels
from engine.safety.verdict import SafetyVerdict
from engine.worker.messages import Pixels
from speech import say

ERRORS = (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError)
"""What Transformers raises over files that it cannot load."""


class ImageClassifier:
    """Says of pictures whether they are unsafe. It belongs to one thread."""

    def __init__(self, model: Any, processor: Any, unsafe: Sequence[str], threshold: float) -> None:
        """Prepare to judge.

        Args:
            model: A Transformers model for image classification.
            processor: Makes of a picture what the model takes.
            unsafe: The labels that count as unsafe, in any case.
            threshold: From which score on, 0 to 1, a picture is flagged.

        Raises:
            ModelUnavailable: It has no such label.
        """
        labels = [str(model.config.id2label[place]) for place in sorted(model.config.id2label)]
        check_labels(tuple(unsafe), tuple(labels))
        wanted = {label.casefold() for label in unsafe}
        self._model, self._processor, self._threshold = model.eval(), processor, threshold
        self._labels = labels
        self._unsafe = [place for place, name in enumerate(labels) if name.casefold() in wanted]

    @classmethod
    def load(cls, folder: Path, unsafe: Sequence[str], threshold: float) -> Self:
        """The classifier in `folder`, from safetensors: nothing in it can run a program.

        Raises:
            ModelUnavailable: It cannot be loaded, or has no such label.
        """
        try:
            # The processors of Pillow: those of torchvision would need it.
            processor = AutoImageProcessor.from_pretrained(
                folder, backend="pil", local_files_only=True, trust_remote_code=False
            )
            with BUILD_LOCK:
                model, found = AutoModelForImageClassification.from_pretrained(
                    folder,
                    use_safetensors=True,
                    local_files_only=True,
                    trust_remote_code=False,
                    dtype=torch.float32,
                    output_loading_info=True,
                )
        except ERRORS as error:
            why = str(error).split("\n", 1)[0].rstrip(".")
            raise ModelUnavailable(
                say("The classifier couldn't be loaded: {reason}.", reason=why)
            ) from error
        if missing := sorted(found["missing_keys"]):
            # Transformers makes up what is missing: such a head would flag at random.
            raise ModelUnavailable(
                say(
                    "The classifier couldn't be loaded: its weights are missing {name}.",
                    name=missing[0],
                )
            )
        return cls(model, processor, unsafe, threshold)

    @torch.inference_mode()
    def judge(self, picture: Pixels) -> SafetyVerdict:
        """What is to be said of the picture.

        Of labels that exclude one another the scores of the unsafe ones add up; of others the
        highest counts.
        """
        image = Image.frombytes("RGB", (picture.width, picture.height), picture.data)
        logits = self._model(**self._processor(images=[image], return_tensors="pt")).logits[0]
        apart = len(self._labels) == 1 or (
            self._model.config.problem_type == "multi_label_classification"
        )
        scores = (logits.sigmoid() if apart else logits.softmax(-1))[self._unsafe]
        score = float(scores.max() if apart else scores.sum())
        label = self._labels[self._unsafe[int(scores.argmax())]]
        return SafetyVerdict(label, min(score, 1.0), flagged=not score < self._threshold)
