"""What happens to painted pictures: checked, saved and recorded, while the device paints on."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from engine.devices.messages import Pixels
from engine.errors import AtelierError, StorageError, new_incident, without_folders
from engine.images.output import OutputFolder
from engine.jobs.events import JobEvents
from engine.jobs.job import Job, JobEvent, JobState
from engine.safety.checker import SafetyChecker
from engine.safety.classifier import NotChecked
from engine.store import JobTable
from engine.tasks import Tasks
from speech import say

log = logging.getLogger(__name__)

MAX_UNSAVED = 8
"""Pictures of each device that may wait to be checked or saved; beyond that nothing is painted.
Each takes a few MB."""


class Postprocessor:
    """Brings jobs to their end. A job's pictures are in memory until they are saved."""

    def __init__(
        self, jobs: JobTable, pictures: OutputFolder, safety: SafetyChecker, job_events: JobEvents
    ) -> None:
        self._jobs = jobs
        self._pictures = pictures
        self._safety = safety
        self._job_events = job_events
        self._checking: dict[int, tuple[Job, asyncio.Task[None]]] = {}
        self._saving = 0
        self._tasks = Tasks()

    @property
    def checking(self) -> list[Job]:
        """The jobs whose pictures wait to be checked, oldest first."""
        return [job for job, _ in self._checking.values()]

    def keeps_up(self, devices: int) -> bool:
        """Whether checking and saving keep up with so many devices."""
        checking = sum(job.recipe.count for job in self.checking)
        return checking + self._saving < MAX_UNSAVED * devices

    def keep(
        self, job: Job, pictures: tuple[Pixels, ...], device: str, on_done: Callable[[], None]
    ) -> None:
        """Check and save a job's pictures, then record the job as painted.

        Args:
            job: What was painted.
            pictures: All of its pictures.
            device: Where they were painted.
            on_done: Called when they no longer wait.
        """
        task = self._tasks.start(self._keep(job, pictures, device, on_done), f"keep job {job.id}")
        self._checking[job.id] = job, task

    def cancel(self, job_id: int) -> Job | None:
        """Drop the pictures of a job that wait to be checked; `None` if there are none."""
        job, task = self._checking.pop(job_id, (None, None))
        if task is not None:
            task.cancel()
        return job

    async def stop(self, seconds: float) -> None:
        """Give pictures `seconds` to be checked and saved; the others are painted again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._tasks.join()
        await self._safety.stop()
        await self._tasks.join()

    async def end(self, job: Job, state: JobState, sentence: str | None = None) -> None:
        """Record that the job ended without pictures, and tell its watchers."""
        sentence = sentence and without_folders(sentence)
        try:
            await self._jobs.set_state(job.id, state, sentence)
        except StorageError as error:
            log.error("Job %d ended, but that couldn't be stored: %s", job.id, error)
        finally:
            self._job_events.post(JobEvent(job_id=job.id, state=state, error=sentence))

    async def put_back(self, job_id: int) -> None:
        """Record that a job waits again."""
        try:
            await self._jobs.requeue(job_id)
        except StorageError as error:  # a full disk; the next start resumes it all the same
            log.warning("Job %d couldn't be put back in the queue: %s", job_id, error)

    async def _keep(
        self, job: Job, pictures: tuple[Pixels, ...], device: str, on_done: Callable[[], None]
    ) -> None:
        try:
            try:
                verdicts = await self._safety.check(job.recipe, job.parent, pictures)
            finally:
                self._checking.pop(job.id, None)
            files = await self._save(job, pictures)
            await self._jobs.set_painted(job.id, files, verdicts, device)
        except NotChecked:
            await self.put_back(job.id)
        except AtelierError as error:
            log.error("Job %d was painted but couldn't be saved: %s", job.id, error)
            await self.end(job, JobState.FAILED, error.sentence)
        except Exception:
            incident = new_incident()
            log.exception(
                "Job %d was painted but couldn't be saved (incident %s)", job.id, incident
            )
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
        finally:
            on_done()

    async def _save(self, job: Job, pictures: tuple[Pixels, ...]) -> list[Path]:
        self._saving += len(pictures)
        try:
            return await asyncio.to_thread(self._pictures.save, job, pictures)
        finally:
            self._saving -= len(pictures)
