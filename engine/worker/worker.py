"""The worker: hands queued jobs to the device's thread, and makes its reports known."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace

from engine.errors import AtelierError, StorageError, new_incident
from engine.images.uploads import UploadFolder
from engine.jobs.attempts import gave_up
from engine.jobs.eta import EtaCalculator, queued_event
from engine.jobs.events import JobEvents
from engine.jobs.job import Job, JobState
from engine.jobs.queue import FairQueue
from engine.jobs.request import Recipe
from engine.jobs.step_times import StepTimes
from engine.memory.measurement import Measurement
from engine.memory.precision import Overflow
from engine.models.availability import ModelAvailability
from engine.models.catalogue import Catalogue
from engine.store import JobTable, MeasurementTable
from engine.tasks import Tasks
from engine.worker.device_host import DeviceDied, DeviceHost
from engine.worker.executor_setup import ExecutorSetup
from engine.worker.messages import (
    CancelJob,
    ExecutorReport,
    ForgetModel,
    JobDropped,
    JobFailed,
    JobPainted,
    JobProgress,
    ModelOverflowed,
    Preload,
    RunJob,
    StageMeasured,
)
from engine.worker.postprocess import Postprocessor
from speech import say

log = logging.getLogger(__name__)

STEP_GRACE = 2.0
"""Seconds that the device gets to finish the current step before it is left behind."""


class Worker:
    """Queues jobs and keeps the device busy with them."""

    def __init__(
        self,
        setup: ExecutorSetup,
        device: DeviceHost,
        catalogue: Catalogue,
        uploads: UploadFolder,
        jobs: JobTable,
        measurements: MeasurementTable,
        job_events: JobEvents,
        availability: ModelAvailability,
        postprocessor: Postprocessor,
    ) -> None:
        """Prepare to work; the device starts with the first job.

        Args:
            setup: What executors are made from.
            device: Where they run.
            catalogue: The models.
            uploads: Start images and masks.
            jobs: Where states are recorded.
            measurements: Where measurements are saved.
            job_events: Where progress is posted.
            availability: Which models are on disk.
            postprocessor: Checks and saves pictures.
        """
        settings = setup.settings
        self._setup = setup
        self._catalogue = catalogue
        self._uploads = uploads
        self._jobs = jobs
        self._measurements = measurements
        self._job_events = job_events
        self._availability = availability
        self._postprocessor = postprocessor
        self._queue = FairQueue(settings.patience)
        self._eta = EtaCalculator(
            self._queue,
            job_events,
            StepTimes(setup.profiles, settings.batch_size),
            availability,
            settings.batch_size,
        )
        self._device = device
        device.connect(self._on_report, self._on_crash)
        self._preloading: str | None = None
        self._running: dict[int, Job] = {}
        self._cancelled: set[int] = set()
        self._tasks = Tasks()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._stop_task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> Sequence[Job]:
        """The queued jobs, in the order of their turns."""
        return self._queue.order()

    @property
    def running(self) -> Sequence[Job]:
        """The jobs on the device, then those whose pictures wait to be checked."""
        return [*self._running.values(), *self._postprocessor.checking]

    def __len__(self) -> int:
        return len(self._queue)

    def push(self, job: Job) -> None:
        """Queue the job; it goes to the device when its turn comes."""
        self._queue.push(job)
        self._job_events.post(queued_event(job))
        self._availability.require(job.recipe.model, self._on_files)
        self._feed()

    async def cancel(self, job_id: int) -> bool:
        """Cancel the job; returns whether that was still possible."""
        job = self._queue.remove(job_id)
        if job is not None:
            await self._postprocessor.end(job, JobState.CANCELLED)
            if all(other.recipe.model != job.recipe.model for other in self._queue.order()):
                self._availability.cancel(job.recipe.model)
            self._post_positions()
            return True
        if job_id in self._running:
            self._cancelled.add(job_id)
            self._device.send(CancelJob(job_id))
            await self._jobs.set_state(job_id, JobState.CANCELLED)
            return True
        if (job := self._postprocessor.cancel(job_id)) is not None:
            await self._postprocessor.end(job, JobState.CANCELLED)
            self._feed()
            return True
        return False

    def forget(self, model: str) -> None:
        """Release what is kept of a model that was removed."""
        self._setup.profiles.forget(model)
        self._availability.forget(model)
        self._device.send(ForgetModel(model))

    async def stop(self) -> None:
        """Take no more jobs, let running ones finish within the grace period, put back the rest.

        A second call waits for the first. Cancelling a call doesn't stop the stopping.
        """
        if self._stop_task is None:
            self._stop_task = asyncio.create_task(self._stop(), name="stop the worker")
        await asyncio.shield(self._stop_task)

    async def _stop(self) -> None:
        self._stopping = True
        await self._availability.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._setup.settings.grace):
                await self._idle.wait()
        await self._device.stop(STEP_GRACE)
        await asyncio.to_thread(self._setup.blame.close)
        await self._postprocessor.stop(STEP_GRACE)
        await self._tasks.join()
        for job_id in self._running.keys() - self._cancelled:
            try:
                await self._jobs.requeue(job_id)
            except StorageError as error:  # a full disk; the next start resumes it all the same
                log.warning("Job %d couldn't be put back in the queue: %s", job_id, error)
        self._job_events.close()

    async def _save(self, measured: Measurement | Overflow) -> None:
        try:
            if isinstance(measured, Overflow):
                await self._measurements.save_overflow(measured)
            else:
                await self._measurements.save(measured)
        except StorageError as error:
            log.warning("A measurement couldn't be saved: %s", error)

    def _feed(self) -> None:
        """Hand over jobs while the batch has room and the safety checker keeps up."""
        while not self._stopping and self._postprocessor.has_room:
            pictures = sum(job.recipe.count for job in self._running.values())
            if pictures >= self._setup.settings.batch_size:
                break
            in_use = next((job.recipe.model for job in self._running.values()), None)
            job = self._queue.take(in_use, self._availability.pending)
            if job is None:
                break
            self._running[job.id] = job
            self._idle.clear()
            self._device.start()
            self._device.send(self._command(job))
            self._job_events.post(replace(queued_event(job), state=JobState.RUNNING))
            self._tasks.start(self._jobs.set_running(job.id), f"job {job.id} is running")
        self._preload()
        self._post_positions()

    def _command(self, job: Job) -> RunJob:
        recipe = job.recipe
        return RunJob(
            job,
            self._catalogue[recipe.model],
            self._uploads.path(recipe.image) if recipe.image else None,
            self._uploads.path(recipe.mask) if recipe.mask else None,
            alone=job.attempts > 0,
        )

    def _preload(self) -> None:
        """Have the model of the first job that needs another one loaded meanwhile.

        Not beside a job with which the program has stopped before: if it stops again, it is plain
        which of the two was to blame.
        """
        if any(job.attempts for job in self._running.values()):
            return
        in_use = {job.recipe.model for job in self._running.values()}
        excluded = in_use | self._availability.pending.keys()
        wanted = (job.recipe.model for job in self._queue.order())
        model = next((name for name in wanted if name not in excluded), None)
        if self._running and model is not None and model != self._preloading:
            self._device.send(Preload(self._catalogue[model]))
        self._preloading = model

    def _post_positions(self) -> None:
        """Post the position of every queued job."""
        for event in self._eta.queued(self._running.values()):
            self._job_events.post(event)

    def _on_files(self, model: str, failure: AtelierError | None) -> None:
        """More of a model's files is on disk; or they can't be had, and its jobs fail."""
        if failure is not None:
            log.error("The files of “%s” can't be downloaded: %s", model, failure)
            for job in self._queue.order():
                if job.recipe.model == model:
                    self._queue.remove(job.id)
                    self._end(job, JobState.FAILED, failure.sentence)
        self._feed()

    def _on_report(self, report: ExecutorReport) -> None:
        match report:
            case JobProgress():
                self._on_progress(report)
                return
            case StageMeasured(measured) | ModelOverflowed(measured):
                self._tasks.start(self._save(measured), "save a measurement")
                return
            case JobPainted(job_id, pictures) if job_id not in self._cancelled:
                job = self._running.pop(job_id)
                self._postprocessor.keep(job, pictures, self._feed)
            case JobFailed(job_id, sentence):
                self._cancelled.discard(job_id)
                self._end(self._running.pop(job_id), JobState.FAILED, sentence)
            case JobDropped(job_id) | JobPainted(job_id):
                self._cancelled.discard(job_id)
                self._end(self._running.pop(job_id), JobState.CANCELLED)
        if not self._running:
            self._idle.set()
        self._feed()

    def _on_progress(self, progress: JobProgress) -> None:
        if (job := self._running.get(progress.job_id)) is None:
            return
        last = self._job_events.get(job.id) or queued_event(job)
        done = progress.step / progress.total_steps
        self._job_events.post(
            replace(
                last,
                state=JobState.RUNNING,
                position=None,
                step=progress.step,
                total_steps=progress.total_steps,
                preview=progress.preview or last.preview,
                seconds_left=self._eta.seconds_left(job, done, self._running.values()),
            )
        )

    def _on_crash(self, error: BaseException | None) -> None:
        """The running jobs have failed, or are queued again; the next executor paints on."""
        if isinstance(error, DeviceDied):
            log.error("%s; what it was busy with is painted again", error)
            self._tasks.start(self._paint_again(), "paint again")
            return
        if isinstance(error, AtelierError):
            log.error("The executor ended: %s", error)
            sentence = error.sentence
        else:
            incident = new_incident()
            log.critical("The executor crashed (incident %s)", incident, exc_info=error)
            sentence = say(
                "Painting crashed. The owner can find the reason in the log: {incident}.",
                incident=incident,
            )
        for job in list(self._running.values()):
            self._on_report(JobFailed(job.id, sentence))

    async def _paint_again(self) -> None:
        """Queue the running jobs again; the ones to blame run alone, and not too often."""
        running = list(self._running)
        blamed = await asyncio.to_thread(self._setup.blame.take) or running
        try:
            await self._jobs.count_stops(blamed)
            for job_id in running:
                await self._jobs.requeue(job_id)
        except StorageError as error:  # a full disk; they are painted all the same
            log.warning("The jobs to paint again couldn't be recorded: %s", error)
        for job_id in running:
            job = self._running[job_id]
            job = replace(job, attempts=job.attempts + (job_id in blamed))
            if job_id in self._cancelled:
                self._on_report(JobDropped(job_id))
            elif (sentence := gave_up(job)) is not None:
                self._on_report(JobFailed(job_id, sentence))
            else:
                del self._running[job_id]
                self._queue.push(job)
                self._job_events.post(queued_event(job))
        if not self._running:
            self._idle.set()
        self._feed()

    def _end(self, job: Job, state: JobState, sentence: str | None = None) -> None:
        ending = self._postprocessor.end(job, state, sentence)
        self._tasks.start(ending, f"end job {job.id}")

    async def missing(self, models: Sequence[str]) -> str | None:
        """The first of these models whose files have to be downloaded before it can paint."""
        await self._availability.scan(models)
        return next((name for name in models if not self._availability.on_disk(name)), None)

    async def forecast(self, owner: str, recipes: Sequence[Recipe]) -> float | None:
        """Seconds until jobs of `owner` for all of `recipes` would be painted, if queued now.

        `None` when that isn't known, or when files have to be downloaded first.
        """
        await self._availability.scan([recipe.model for recipe in recipes])
        return self._eta.forecast(owner, recipes, self._running.values())
