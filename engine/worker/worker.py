"""The bridge: asyncio on this side, the painter's thread on the other."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace

from engine.errors import AtelierError, new_incident
from engine.images.uploads import UploadFolder
from engine.jobs.eta import EtaCalculator, queued_event
from engine.jobs.events import JobEvents
from engine.jobs.job import Job, JobState
from engine.jobs.queue import FairQueue
from engine.jobs.request import Recipe
from engine.jobs.step_times import StepTimes
from engine.models.catalogue import Catalogue
from engine.models.download_manager import DownloadManager
from engine.settings import EngineSettings
from engine.store import JobTable, MeasurementTable
from engine.tasks import Tasks
from engine.worker.device_thread import DeviceThread
from engine.worker.executor_factory import ExecutorFactory
from engine.worker.messages import (
    CancelJob,
    ExecutorReport,
    ForgetModel,
    JobDropped,
    JobFailed,
    JobPainted,
    JobProgress,
    Preload,
    RunJob,
    StageMeasured,
    StepMeasured,
)
from engine.worker.postprocess import Postprocessor
from speech import say

log = logging.getLogger(__name__)

THREAD_GRACE = 2.0
"""Seconds that the painter's thread gets to finish the step in hand before it is left behind."""


class Worker:
    """Hands jobs to the painter as there is room, and makes its reports known."""

    def __init__(
        self,
        settings: EngineSettings,
        catalogue: Catalogue,
        jobs: JobTable,
        uploads: UploadFolder,
        job_events: JobEvents,
        step_times: StepTimes,
        measurements: MeasurementTable,
        download_manager: DownloadManager,
        executor_factory: ExecutorFactory,
        postprocessor: Postprocessor,
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._jobs = jobs
        self._uploads = uploads
        self._job_events = job_events
        self._step_times = step_times
        self._measurements = measurements
        self._download_manager = download_manager
        self._executor_factory = executor_factory
        self._postprocessor = postprocessor
        self._queue = FairQueue(settings.patience)
        self._expected: str | None = None
        self._running: dict[int, Job] = {}
        self._called_off: set[int] = set()
        self._tasks = Tasks()
        self._thread = DeviceThread(executor_factory.paint, self._take_report, self._thread_broke)
        self._eta = EtaCalculator(
            self._queue, job_events, step_times, download_manager, settings.batch_size
        )
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._ending: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> Sequence[Job]:
        """The jobs in the queue, in the order in which they will be served."""
        return self._queue.order()

    @property
    def running(self) -> Sequence[Job]:
        """The jobs that the painter has, then those that are painted and not judged yet."""
        return [*self._running.values(), *self._postprocessor.judging]

    def __len__(self) -> int:
        return len(self._queue)

    def push(self, job: Job) -> None:
        """Queue the job; it is handed to the painter as soon as its turn comes."""
        self._queue.push(job)
        self._job_events.post(queued_event(job))
        self._download_manager.want(job.recipe.model, self._supplied)
        self._feed()

    async def cancel(self, job_id: int) -> bool:
        """Call the job off. Whether it could be: a job whose painting is over cannot."""
        job = self._queue.remove(job_id)
        if job is not None:
            await self._postprocessor.end(job, JobState.CANCELLED)
            if all(other.recipe.model != job.recipe.model for other in self._queue.order()):
                self._download_manager.give_up(job.recipe.model)
            self._announce()
            return True
        if job_id in self._running:
            self._called_off.add(job_id)
            self._thread.send(CancelJob(job_id))
            await self._jobs.set_state(job_id, JobState.CANCELLED)
            return True
        if (job := self._postprocessor.call_off(job_id)) is not None:
            await self._postprocessor.end(job, JobState.CANCELLED)
            self._feed()
            return True
        return False

    def forget(self, model: str) -> None:
        """Let the painter give up what it keeps of a model that is there no more."""
        self._executor_factory.forget(model)
        self._download_manager.forget(model)
        self._thread.send(ForgetModel(model))

    async def stop(self) -> None:
        """Take nothing more, let what is in hand finish within the grace, put back the rest.

        A second call waits for the first; one that is cancelled does not stop the stopping.
        """
        if self._ending is None:
            self._ending = asyncio.create_task(self._stop(), name="stop the worker")
        await asyncio.shield(self._ending)

    async def _stop(self) -> None:
        self._stopping = True
        await self._download_manager.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.grace):
                await self._idle.wait()
        await self._thread.stop(THREAD_GRACE)
        await self._postprocessor.stop(THREAD_GRACE)
        await self._tasks.join()
        for job_id in self._running.keys() - self._called_off:
            await self._jobs.requeue(job_id)
        self._job_events.close()

    def _feed(self) -> None:
        """Hand over jobs while the painter has room for another row, and the judge keeps up."""
        while not self._stopping and self._postprocessor.has_room:
            rows = sum(job.recipe.count for job in self._running.values())
            if rows >= self._settings.batch_size:
                break
            in_use = next((job.recipe.model for job in self._running.values()), None)
            job = self._queue.take(in_use, self._download_manager.coming)
            if job is None:
                break
            self._running[job.id] = job
            self._idle.clear()
            self._thread.start()
            self._thread.send(self._order(job))
            self._job_events.post(replace(queued_event(job), state=JobState.RUNNING))
            self._tasks.start(self._jobs.set_running(job.id), f"job {job.id} is running")
        self._expect()
        self._announce()

    def _supplied(self, model: str, failure: AtelierError | None) -> None:
        """More of a model's files has come; or no more comes, and its jobs go on, or fail."""
        if failure is not None:
            log.error("The files of “%s” do not come: %s", model, failure)
            for job in self._queue.order():
                if job.recipe.model == model:
                    self._queue.remove(job.id)
                    ending = self._postprocessor.end(job, JobState.FAILED, failure.sentence)
                    self._tasks.start(ending, f"fail job {job.id}")
        self._feed()

    def _order(self, job: Job) -> RunJob:
        recipe = job.recipe
        return RunJob(
            job,
            self._catalogue[recipe.model],
            self._uploads.path(recipe.image) if recipe.image else None,
            self._uploads.path(recipe.mask) if recipe.mask else None,
        )

    def _expect(self) -> None:
        """Have the model of the first job that needs another one loaded meanwhile."""
        in_use = {job.recipe.model for job in self._running.values()}
        out = in_use | self._download_manager.coming.keys()
        coming = (job.recipe.model for job in self._queue.order())
        model = next((name for name in coming if name not in out), None)
        if self._running and model is not None and model != self._expected:
            self._thread.send(Preload(self._catalogue[model]))
        self._expected = model

    def _take_progress(self, progress: JobProgress) -> None:
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

    def _take_report(self, report: ExecutorReport) -> None:
        match report:
            case JobProgress():
                self._take_progress(report)
                return
            case StepMeasured():
                self._step_times.learn(report)
                return
            case StageMeasured(measurement):
                self._tasks.start(self._measurements.save(measurement), "keep a measurement")
                return
            case JobPainted(job_id) if job_id in self._called_off:
                self._take_report(JobDropped(job_id))
                return
            case JobPainted(job_id, pictures):
                job = self._running.pop(job_id)
                self._postprocessor.keep(job, pictures, self._feed)
            case JobFailed(job_id, sentence):
                job = self._running.pop(job_id)
                self._called_off.discard(job_id)
                self._tasks.start(
                    self._postprocessor.end(job, JobState.FAILED, sentence), f"fail job {job_id}"
                )
            case JobDropped(job_id):
                job = self._running.pop(job_id)
                self._called_off.discard(job_id)
                self._tasks.start(
                    self._postprocessor.end(job, JobState.CANCELLED), f"cancel job {job_id}"
                )
        if not self._running:
            self._idle.set()
        self._feed()

    def _thread_broke(self, error: BaseException | None) -> None:
        """What the painter had in hand has failed; what waits is painted by the next one."""
        incident = new_incident()
        log.critical("The painter has stopped (incident %s)", incident, exc_info=error)
        sentence = (
            error.sentence
            if isinstance(error, AtelierError)
            else say(
                "Painting crashed. The owner can find the reason in the log: {incident}.",
                incident=incident,
            )
        )
        for job in list(self._running.values()):
            self._take_report(JobFailed(job.id, sentence))

    def _announce(self) -> None:
        """Tell every waiting job where it stands."""
        for event in self._eta.waiting(self._running.values()):
            self._job_events.post(event)

    async def missing(self, models: Sequence[str]) -> str | None:
        """The first of these models whose files have to come before it can paint, if any."""
        await self._download_manager.look_for(models)
        return next((name for name in models if name not in self._download_manager), None)

    async def forecast(self, owner: str, recipes: Sequence[Recipe]) -> float | None:
        """Seconds until jobs of `owner` for all of `recipes` would be painted, if they came now.

        `None` when that is not known; so it is where files have to come first.
        """
        await self._download_manager.look_for([recipe.model for recipe in recipes])
        return self._eta.forecast(owner, recipes, self._running.values())
