"""Finishing: what is painted is judged, saved and written down, while the painter paints on."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from engine.errors import AtelierError, new_incident, without_folders
from engine.images.output import OutputFolder
from engine.jobs.events import JobEvents
from engine.jobs.job import Job, JobEvent, JobState
from engine.safety.checker import NotChecked
from engine.safety.decisions import SafetyDecisions
from engine.store import JobTable
from engine.tasks import Tasks
from engine.worker.messages import Pixels
from speech import say

log = logging.getLogger(__name__)

MAX_UNCHECKED = 8
"""Pictures that may wait for the judge; with more nothing new is painted. One takes some MB."""


class Postprocessor:
    """Brings jobs to their end. The pictures of a job lie in memory until they are saved."""

    def __init__(
        self, jobs: JobTable, pictures: OutputFolder, safety: SafetyDecisions, job_events: JobEvents
    ) -> None:
        self._jobs = jobs
        self._pictures = pictures
        self._safety = safety
        self._job_events = job_events
        self._judging: dict[int, tuple[Job, asyncio.Task[None]]] = {}
        self._tasks = Tasks()

    @property
    def judging(self) -> list[Job]:
        """The jobs whose pictures wait for the judge, oldest first."""
        return [job for job, _ in self._judging.values()]

    @property
    def has_room(self) -> bool:
        """Whether the judge keeps up with the painter."""
        return sum(job.recipe.count for job in self.judging) < MAX_UNCHECKED

    def keep(self, job: Job, pictures: tuple[Pixels, ...], judged: Callable[[], None]) -> None:
        """Have the pictures judged and saved, then record the job as painted.

        Args:
            job: What is painted.
            pictures: All of its pictures.
            judged: Called when they wait for the judge no more.
        """
        keeping = self._keep(job, pictures, judged)
        self._judging[job.id] = job, self._tasks.start(keeping, f"keep job {job.id}")

    def call_off(self, job_id: int) -> Job | None:
        """Drop the pictures of a job that wait for the judge; `None` if there are none."""
        job, keeping = self._judging.pop(job_id, (None, None))
        if keeping is not None:
            keeping.cancel()
        return job

    async def stop(self, seconds: float) -> None:
        """Wait that long for what is in hand; what is not judged by then is painted again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._tasks.join()
        self._safety.leave()
        await self._tasks.join()

    async def end(self, job: Job, state: JobState, sentence: str | None = None) -> None:
        """Record that the job is over, without pictures, and tell those who watch it."""
        sentence = sentence and without_folders(sentence)
        try:
            await self._jobs.set_state(job.id, state, sentence)
        finally:
            self._job_events.post(JobEvent(job_id=job.id, state=state, error=sentence))

    async def _keep(
        self, job: Job, pictures: tuple[Pixels, ...], judged: Callable[[], None]
    ) -> None:
        try:
            try:
                verdicts = await self._safety.on(job.recipe, job.parent, pictures)
            finally:
                self._judging.pop(job.id, None)
                judged()
            files = await asyncio.to_thread(self._pictures.save, job, pictures)
            await self._jobs.set_painted(job.id, files, verdicts)
        except NotChecked:
            await self._jobs.requeue(job.id)
        except AtelierError as error:
            log.error("Job %d is painted but cannot be kept: %s", job.id, error)
            await self.end(job, JobState.FAILED, error.sentence)
        except Exception:
            incident = new_incident()
            log.exception("Job %d is painted but cannot be kept (incident %s)", job.id, incident)
            sentence = say(
                "The picture couldn't be saved. The owner can find the reason in the log: "
                "{incident}.",
                incident=incident,
            )
            await self.end(job, JobState.FAILED, sentence)
        else:
            self._job_events.post(
                JobEvent(job_id=job.id, state=JobState.PAINTED, pictures=tuple(files))
            )
