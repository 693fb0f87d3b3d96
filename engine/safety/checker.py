"""The safety checker: has finished pictures classified, and keeps what the classifier said.

The classifier runs on a thread of its own, while the device paints on.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.background_thread import BackgroundThread, ThreadStopped
from engine.errors import AtelierError, ModelUnavailable, UnknownJob
from engine.jobs.job import Parent
from engine.jobs.request import Recipe
from engine.safety.verdict import UNCHECKED, SafetyVerdict
from engine.settings import SafetySettings
from engine.store import JobTable, SafetyTable
from engine.worker.messages import Pixels
from speech import say

if TYPE_CHECKING:
    from engine.diffusion.image_classifier import ImageClassifier

log = logging.getLogger(__name__)

RETRY_AFTER = 300.0
"""Seconds until a classifier that couldn't be loaded is tried again."""


class NotChecked(AtelierError):
    """The program stops before the pictures are checked."""


class SafetyChecker:
    """Checks each new picture once. A moderator can overrule the stored verdict."""

    def __init__(
        self,
        settings: SafetySettings,
        table: SafetyTable,
        jobs: JobTable,
        find_classifier: Callable[[str], Path],
    ) -> None:
        """Prepare to check; nothing is loaded before the first picture.

        Args:
            settings: Which classifier, if any, and which of its labels count as unsafe.
            table: The stored verdicts.
            jobs: The jobs that the pictures belong to.
            find_classifier: Returns the folder of a classifier, downloading it if need be. It may
                block, and raise `ModelUnavailable`.
        """
        self._settings = settings
        self._table = table
        self._jobs = jobs
        self._find_classifier = find_classifier
        self._thread = BackgroundThread("safety checker")
        self._classifier: ImageClassifier | None = None
        self._failure: tuple[type[ModelUnavailable], str] | None = None
        self._retry_at = 0.0

    @property
    def enabled(self) -> bool:
        """Whether new pictures are checked."""
        return self._settings.classifier is not None

    async def check(
        self, recipe: Recipe, parent: Parent | None, pictures: Sequence[Pixels]
    ) -> tuple[SafetyVerdict, ...]:
        """The verdicts on a job's new pictures; empty when pictures aren't checked.

        An enlarged copy inherits the verdict of its original. A picture that can't be checked
        counts as unsafe.

        Raises:
            NotChecked: When the program stops first.
        """
        if (inherited := await self._inherited(recipe, parent)) is not None:
            return (inherited,)
        if not self.enabled:
            return ()
        try:
            return await self._thread.run(partial(self._classify, pictures))
        except ThreadStopped:
            raise NotChecked(say("I'm restarting. Try again in a minute.")) from None

    async def verdicts(self, job_id: int) -> tuple[SafetyVerdict, ...]:
        """The stored verdicts on a job's pictures, in their order; empty if never checked."""
        return await self._table.of(job_id)

    async def verdicts_of(self, job_ids: Sequence[int]) -> dict[int, tuple[SafetyVerdict, ...]]:
        """The stored verdicts of several jobs; jobs that were never checked are left out."""
        return await self._table.several(job_ids)

    async def release(self, job_id: int) -> bool:
        """Allow all pictures of a job to be shown; returns whether one was unsafe until now.

        The job's outcome counts as not shown again: the job is among `Studio.unsettled`, or its
        grid among those of `Studio.grids`.
        """
        return await self._table.release(job_id)

    async def stop(self) -> None:
        """Check nothing more; pending checks raise `NotChecked`."""
        await self._thread.stop(0)

    async def _inherited(self, recipe: Recipe, parent: Parent | None) -> SafetyVerdict | None:
        if recipe.enlarged == 1 or parent is None:
            return None
        try:
            source = (await self._jobs.get(parent.job_id)).recipe
        except UnknownJob:
            return None
        verdicts = await self.verdicts(parent.job_id)
        if not parent.number < len(verdicts):
            return None
        seed = source.seeds[parent.number]
        copy = replace(source, seed=seed, count=1, enlarged=recipe.enlarged)
        return verdicts[parent.number] if copy == recipe else None

    def _classify(self, pictures: Sequence[Pixels]) -> tuple[SafetyVerdict, ...]:
        """On the checker's thread: the verdicts; `UNCHECKED` where the classifier fails."""
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
            # Importing torch takes seconds, which don't matter on this thread.
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
