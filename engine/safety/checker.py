"""The safety checker: has finished pictures classified, and keeps what the classifier said."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from engine.devices.messages import Pixels
from engine.errors import UnknownJob
from engine.jobs.job import Parent
from engine.jobs.process import ProcessKind
from engine.jobs.recipe import Recipe
from engine.safety.classifier import Classifier, NotChecked
from engine.safety.verdict import CHECKED_SIDE, UNCHECKED, SafetyVerdict, badness
from engine.settings import SafetySettings
from engine.store import JobTable, SafetyTable


class SafetyChecker:
    """Checks each new picture once. A moderator can overrule the stored verdict."""

    def __init__(
        self,
        settings: SafetySettings,
        table: SafetyTable,
        jobs: JobTable,
        classifier: Classifier,
    ) -> None:
        """Prepare to check; nothing is loaded before the first picture.

        Args:
            settings: Which classifier, if any, and which of its labels count as unsafe.
            table: The stored verdicts.
            jobs: The jobs that the pictures belong to.
            classifier: Looks at pictures.
        """
        self._settings = settings
        self._table = table
        self._jobs = jobs
        self._classifier = classifier

    async def replace(self, settings: SafetySettings, classifier: Classifier) -> None:
        """Check by other settings from now on; returns when the classifier before has finished.

        Args:
            settings: Which classifier, if any, and which of its labels count as unsafe.
            classifier: Looks at pictures by these settings.
        """
        before, self._classifier, self._settings = self._classifier, classifier, settings
        await before.retire()

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
        return await self._classifier.classify(pictures)

    async def worst(self, files: Sequence[Path]) -> SafetyVerdict | None:
        """The worst verdict on pictures that belong to no job; `None` if none are checked.

        Files that can't be read are left out. Once the program stops, nothing is known of them.
        """
        if not self.enabled or not (pictures := await asyncio.to_thread(_pixels, files)):
            return None
        try:
            return max(await self._classifier.classify(pictures), key=badness)
        except NotChecked:
            return UNCHECKED

    async def is_unsafe(self, picture: Pixels) -> bool:
        """Whether a picture that belongs to no job counts as unsafe; not if none are checked.

        Raises:
            NotChecked: When the program stops first.
        """
        if not self.enabled:
            return False
        [verdict] = await self._classifier.classify([picture])
        return verdict.flagged

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
        await self._classifier.stop()

    async def _inherited(self, recipe: Recipe, parent: Parent | None) -> SafetyVerdict | None:
        enlarges = recipe.process is None or recipe.process.kind is ProcessKind.UPSCALE
        if recipe.enlarged == 1 or parent is None or not enlarges:
            return None
        try:
            source = (await self._jobs.get(parent.job_id)).recipe
        except UnknownJob:
            return None
        verdicts = await self.verdicts(parent.job_id)
        if not parent.number < len(verdicts):
            return None
        seed = source.seeds[parent.number]
        copy = replace(source, seed=seed, count=1, enlarged=recipe.enlarged, process=recipe.process)
        return verdicts[parent.number] if copy == recipe else None


def _pixels(files: Sequence[Path]) -> list[Pixels]:
    """The pictures in these files, small; those that can't be read are left out. Blocks."""
    found = []
    for file in files:
        with contextlib.suppress(OSError, SyntaxError), Image.open(file) as image:
            image.thumbnail((CHECKED_SIDE, CHECKED_SIDE))
            found.append(Pixels.of(image.convert("RGB")))
    return found
