"""An image classifier of Transformers, on the CPU.

There a ViT-base takes 0.4 s per picture on one core, 340 MB of RAM, and none of the GPU's memory,
which is all planned for painting.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from transformers import AutoModelForImageClassification

from engine.devices.messages import Pixels
from engine.diffusion.vision_models import load_vision_model
from engine.hub.classifier_files import check_labels
from engine.safety.verdict import SafetyVerdict
from speech import phrase

FAILED = phrase("The classifier couldn't be loaded: {reason}.")


class ImageClassifier:
    """Tells whether pictures are unsafe. It belongs to one thread."""

    def __init__(self, model: Any, processor: Any, unsafe: Sequence[str], threshold: float) -> None:
        """Prepare to classify.

        Args:
            model: A Transformers model for image classification.
            processor: Preprocesses pictures for the model.
            unsafe: The labels that count as unsafe, in any case.
            threshold: A picture with at least this score, 0 to 1, is flagged.

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
        """Load the classifier in `folder`, from safetensors: nothing in it can run code.

        Raises:
            ModelUnavailable: It can't be loaded, or has no such label.
        """
        model, processor = load_vision_model(AutoModelForImageClassification, folder, FAILED)
        return cls(model, processor, unsafe, threshold)

    @torch.inference_mode()
    def classify(self, picture: Pixels) -> SafetyVerdict:
        """The verdict on a picture.

        The scores of unsafe labels add up if labels exclude one another; else the highest counts.
        """
        image = picture.image().convert("RGB")  # what is transparent is in the file, too
        logits = self._model(**self._processor(images=[image], return_tensors="pt")).logits[0]
        independent = len(self._labels) == 1 or (
            self._model.config.problem_type == "multi_label_classification"
        )
        scores = (logits.sigmoid() if independent else logits.softmax(-1))[self._unsafe]
        score = float(scores.max() if independent else scores.sum())
        label = self._labels[self._unsafe[int(scores.argmax())]]
        return SafetyVerdict(label, min(score, 1.0), flagged=not score < self._threshold)
