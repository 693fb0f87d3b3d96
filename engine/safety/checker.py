"""The judge: has pictures classified, in a thread of its own beside the painter's.

The painter goes on with its next step meanwhile. The thread is a daemon, as the painter's is: a
download or a long look holds up no program that is told to stop.
"""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.errors import AtelierError, ModelUnavailable
from engine.hub import HubClient
from engine.hub.classifier_files import classifier_folder
from engine.safety.verdict import UNCHECKED, SafetyVerdict
from engine.settings import SafetySettings
from engine.worker.messages import Pixels
from speech import say

if TYPE_CHECKING:
    from engine.diffusion.image_classifier import ImageClassifier

log = logging.getLogger(__name__)

RETRY = 300.0
"""Seconds until a classifier that could not be had is tried for again."""

Verdicts = tuple[SafetyVerdict, ...]
CheckRequest = asyncio.Future[Verdicts]


class NotChecked(AtelierError):
    """The program ends before the pictures are judged."""


class SafetyChecker:
    """Judges pictures one job after the other. What cannot be judged counts as unsafe."""

    def __init__(self, settings: SafetySettings, hub: HubClient) -> None:
        """Prepare to judge; nothing is loaded before the first picture.

        Args:
            settings: Which classifier, and what it objects to.
            hub: Where it is downloaded from.
        """
        self._settings = settings
        self._hub = hub
        self._inbox: queue.SimpleQueue[CheckRequest | None] = queue.SimpleQueue()
        self._open: dict[CheckRequest, Sequence[Pixels]] = {}
        self._thread: threading.Thread | None = None
        self._classifier: ImageClassifier | None = None
        self._problem: tuple[type[ModelUnavailable], str] | None = None
        self._retry_at = 0.0
        self._leaving = False

    async def judge(self, pictures: Sequence[Pixels]) -> Verdicts:
        """What is to be said of each picture.

        Raises:
            LeftUnjudged: When the program ends before.
        """
        asked: CheckRequest = asyncio.get_running_loop().create_future()
        if self._leaving:
            raise _left()
        self._open[asked] = pictures
        asked.add_done_callback(self._open.pop)
        self._inbox.put(asked)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="judge", daemon=True)
            self._thread.start()
        return await asked

    def leave(self) -> None:
        """Take nothing more; who waits hears that nothing comes."""
        self._leaving = True
        self._inbox.put(None)
        for asked in list(self._open):
            if not asked.done():
                asked.set_exception(_left())

    def _run(self) -> None:
        while (asked := self._inbox.get()) is not None:
            pictures = self._open.get(asked)
            if pictures is None:  # nobody waits for it any more
                continue
            verdicts = self._look(pictures)
            del pictures
            with contextlib.suppress(RuntimeError):  # the loop is gone
                asked.get_loop().call_soon_threadsafe(_settle, asked, verdicts)

    def _look(self, pictures: Sequence[Pixels]) -> Verdicts:
        """The verdicts; where the classifier fails, that they are unjudged."""
        try:
            classifier = self._have()
            return tuple(classifier.judge(picture) for picture in pictures)
        except ModelUnavailable as error:
            log.error("Pictures are hidden, since nothing can judge them: %s", str(error))
        except Exception:
            log.exception("Pictures are hidden, since the classifier has failed")
        return (UNCHECKED,) * len(pictures)

    def _have(self) -> "ImageClassifier":
        """The classifier, loaded.

        Raises:
            ModelUnavailable: It cannot be had; for a while that is not tried again.
        """
        if self._classifier is None:
            if self._problem is not None and time.monotonic() < self._retry_at:
                kind, sentence = self._problem
                raise kind(sentence)
            # Torch is imported here, in the thread, where seconds do not matter.
            from engine.diffusion.image_classifier import ImageClassifier

            text, settings = self._settings.classifier, self._settings
            assert text is not None, "a judge has a classifier"
            try:
                folder = classifier_folder(text, self._hub)
                self._classifier = ImageClassifier.load(folder, settings.labels, settings.threshold)
            except ModelUnavailable as error:
                # Not the error itself: raised anew it would hold ever more frames, and their
                # pictures.
                self._problem = type(error), error.sentence
                self._retry_at = time.monotonic() + RETRY
                raise
            log.info("Loaded the classifier %s", text)
        return self._classifier


def _settle(asked: CheckRequest, verdicts: Verdicts) -> None:
    if not asked.done():
        asked.set_result(verdicts)


def _left() -> NotChecked:
    return NotChecked(say("I'm restarting. Try again in a minute."))
