"""Enlarging: a finished picture resized, as a job of its own that is painted at once."""

import asyncio
from dataclasses import replace

from engine.errors import StorageError
from engine.images.init_images import InitImages
from engine.images.output import OutputFolder, read_pixels
from engine.jobs.job import Job, JobState, Parent
from engine.jobs.recipe_checks import check_enlarged, require_not_enlarged
from engine.jobs.request import ImageRequest
from engine.jobs.requester import Requester
from engine.jobs.submission import JobSubmission
from engine.safety.checker import SafetyChecker
from engine.store import JobTable
from speech import say


class Enlarger:
    """Enlarges finished pictures, one at a time: a large one takes 100 MB."""

    def __init__(
        self,
        submission: JobSubmission,
        jobs: JobTable,
        init_images: InitImages,
        pictures: OutputFolder,
        safety: SafetyChecker,
    ) -> None:
        self._submission = submission
        self._jobs = jobs
        self._init_images = init_images
        self._pictures = pictures
        self._safety = safety
        self._busy = asyncio.Lock()

    async def enlarge(self, picture: Parent, factor: int, requester: Requester) -> Job:
        """See `Studio.enlarge`."""
        source, file = await self._init_images.finished(picture)
        require_not_enlarged(source.recipe)
        seed = source.recipe.seeds[picture.number]
        recipe = replace(source.recipe, seed=seed, count=1, enlarged=factor, process=None)
        check_enlarged(recipe)
        context = await self._submission.context_of(requester)
        await context.words.check(ImageRequest.of(recipe))
        await self._submission.check_rate_limits(requester, pictures=1)
        async with self._busy:
            pixels = await asyncio.to_thread(read_pixels, file)
            verdicts = await self._safety.check(recipe, picture, (pixels,))
            async with self._submission.lock:
                await self._submission.check_rate_limits(requester, pictures=1)
                job = await self._jobs.add(replace(requester, parent=picture), recipe)
            try:
                files = await asyncio.to_thread(self._pictures.save, job, (pixels,), file)
            except BaseException as error:
                reason = error.sentence if isinstance(error, StorageError) else None
                sentence = reason or say("The picture couldn't be enlarged.")
                await self._jobs.set_state(job.id, JobState.FAILED, sentence)
                raise
            await self._jobs.set_painted(job.id, files, verdicts)
        return replace(job, state=JobState.PAINTED, pictures=tuple(files))
