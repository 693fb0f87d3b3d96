"""The classifier behind the safety checker: loaded at the first picture, on a thread of its own."""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engine.background_thread import BackgroundThread, ThreadStopped
from engine.devices.messages import Pixels
from engine.errors import AtelierError, ModelUnavailable
from engine.safety.verdict import UNCHECKED, SafetyVerdict
from engine.settings import SafetySettings
from speech import say

if TYPE_CHECKING:
    from engine.diffusion.image_classifier import ImageClassifier

log = logging.getLogger(__name__)

RETRY_AFTER = 300.0
"""Seconds until a classifier that couldn't be loaded is tried again."""

FindClassifier = Callable[[str], Path]
"""From the classifier of the settings to its folder, downloading it if need be. It may block, and
raise `ModelUnavailable`."""


class NotChecked(AtelierError):
    """The program stops before the pictures are checked."""

    def __init__(self) -> None:
        super().__init__(say("I'm restarting. Try again in a minute."))


class Classifier(Protocol):
    """Classifies pictures off the event loop."""

    async def classify(self, pictures: Sequence[Pixels]) -> tuple[SafetyVerdict, ...]:
        """The verdict on each picture; `UNCHECKED` where the classifier fails.

        Raises:
            NotChecked: When the program stops first.
        """

    async def retire(self) -> None:
        """Finish what has been asked, then classify nothing more."""

    async def stop(self) -> None:
        """Classify nothing more; pending calls raise `NotChecked`."""


class LazyClassifier:
    """Loads its classifier when the first picture comes. It blocks, and belongs to one thread."""

    def __init__(self, settings: SafetySettings, find_classifier: FindClassifier) -> None:
        """Prepare to classify.

        Args:
            settings: Which classifier, and which of its labels count as unsafe.
            find_classifier: Finds its folder.
        """
        self._settings = settings
        self._find_classifier = find_classifier
        self._classifier: ImageClassifier | None = None
        self._failure: tuple[type[ModelUnavailable], str] | None = None
        self._retry_at = 0.0

    def classify(self, pictures: Sequence[Pixels]) -> tuple[SafetyVerdict, ...]:
        """The verdict on each picture; `UNCHECKED` where the classifier fails."""
        try:
            classifier = self._loaded()
            return tuple(classifier.classify(picture) for picture in pictures)
        except ModelUnavailable as error:
            log.error("Pictures are hidden because nothing can check them: %s", str(error))
        except Exception:
            log.exception("Pictures are hidden because the classifier failed")
        return (UNCHECKED,) * len(pictures)

    def _loaded(self) -> "ImageClassifier":
        """The classifier, loaded at the first call.

        Raises:
            ModelUnavailable: It can't be loaded, or couldn't a short while ago.
        """
        if self._classifier is None:
            if self._failure is not None and time.monotonic() < self._retry_at:
                kind, sentence = self._failure
                raise kind(sentence)
            # Importing torch takes seconds, which don't matter here.
            from engine.diffusion.image_classifier import ImageClassifier

            name, settings = self._settings.classifier, self._settings
            assert name is not None, "without a classifier nothing is checked"
            try:
                folder = self._find_classifier(name)
                self._classifier = ImageClassifier.load(folder, settings.labels, settings.threshold)
            except ModelUnavailable as error:
                # Not the error itself: each time it's raised it would hold more frames, and their
                # pictures.
                self._failure = type(error), error.sentence
                self._retry_at = time.monotonic() + RETRY_AFTER
                raise
            log.info("Loaded the classifier %s", name)
        return self._classifier


class ClassifierThread:
    """A classifier on a thread of this process."""

    def __init__(self, settings: SafetySettings, find_classifier: FindClassifier) -> None:
        """Prepare the thread; see `LazyClassifier`."""
        self._thread = BackgroundThread("safety checker")
        self._classifier = LazyClassifier(settings, find_classifier)

    async def classify(self, pictures: Sequence[Pixels]) -> tuple[SafetyVerdict, ...]:
        """As `Classifier.classify`."""
        try:
            return await self._thread.run(partial(self._classifier.classify, pictures))
        except ThreadStopped:
            raise NotChecked from None

    async def retire(self) -> None:
        """As `Classifier.retire`."""
        await self._thread.stop(None)

    async def stop(self) -> None:
        """As `Classifier.stop`."""
        await self._thread.stop(0)
