"""The bridge: asyncio on this side, the painter's thread on the other."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace

from engine.jobs.events import Board
from engine.worker.executor_factory import Easel
from engine.errors import AtelierError, new_incident
from engine.jobs.step_times import Estimates
from engine.worker.postprocess import Finishing
from engine.jobs.job import Job, JobState
from engine.worker.messages import (
    Admit,
    Cancel,
    Dropped,
    Expect,
    Failed,
    Forget,
    Measured,
    Noted,
    Painted,
    Progress,
    Report,
)
from engine.models.catalogue import Catalogue
from engine.jobs.eta import Outlook, queued
from engine.worker.device_thread import PainterThread
from engine.jobs.queue import FairQueue
from engine.jobs.request import Recipe
from engine.settings import EngineSettings
from engine.store import JobTable, MeasurementTable
from engine.models.download_manager import Supplies
from engine.tasks import Tasks
from engine.images.uploads import UploadFolder
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
        board: Board,
        estimates: Estimates,
        measurements: MeasurementTable,
        supplies: Supplies,
        easel: Easel,
        finishing: Finishing,
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._jobs = jobs
        self._uploads = uploads
        self._board = board
        self._estimates = estimates
        self._measurements = measurements
        self._supplies = supplies
        self._easel = easel
        self._finishing = finishing
        self._queue = FairQueue(settings.patience)
        self._expected: str | None = None
        self._running: dict[int, Job] = {}
        self._called_off: set[int] = set()
        self._tasks = Tasks()
        self._thread = PainterThread(easel.paint, self._take_report, self._thread_broke)
        self._outlook = Outlook(self._queue, board, estimates, supplies, settings.batch_size)
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
        return [*self._running.values(), *self._finishing.judging]

    def __len__(self) -> int:
        return len(self._queue)

    def push(self, job: Job) -> None:
        """Queue the job; it is handed to the painter as soon as its turn comes."""
        self._queue.push(job)
        self._board.post(queued(job))
        self._supplies.want(job.recipe.model, self._supplied)
        self._feed()

    async def cancel(self, job_id: int) -> bool:
        """Call the job off. Whether it could be: a job whose painting is over cannot."""
        job = self._queue.remove(job_id)
        if job is not None:
            await self._finishing.end(job, JobState.CANCELLED)
            if all(other.recipe.model != job.recipe.model for other in self._queue.order()):
                self._supplies.give_up(job.recipe.model)
            self._announce()
            return True
        if job_id in self._running:
            self._called_off.add(job_id)
            self._thread.send(Cancel(job_id))
            await self._jobs.set_state(job_id, JobState.CANCELLED)
            return True
        if (job := self._finishing.call_off(job_id)) is not None:
            await self._finishing.end(job, JobState.CANCELLED)
            self._feed()
            return True
        return False

    def forget(self, model: str) -> None:
        """Let the painter give up what it keeps of a model that is there no more."""
        self._easel.forget(model)
        self._supplies.forget(model)
        self._thread.send(Forget(model))

    async def stop(self) -> None:
        """Take nothing more, let what is in hand finish within the grace, put back the rest.

        A second call waits for the first; one that is cancelled does not stop the stopping.
        """
        if self._ending is None:
            self._ending = asyncio.create_task(self._stop(), name="stop the worker")
        await asyncio.shield(self._ending)

    async def _stop(self) -> None:
        self._stopping = True
        await self._supplies.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.grace):
                await self._idle.wait()
        await self._thread.stop(THREAD_GRACE)
        await self._finishing.stop(THREAD_GRACE)
        await self._tasks.join()
        for job_id in self._running.keys() - self._called_off:
            await self._jobs.put_back(job_id)
        self._board.close()

    def _feed(self) -> None:
        """Hand over jobs while the painter has room for another row, and the judge keeps up."""
        while not self._stopping and self._finishing.has_room:
            rows = sum(job.recipe.count for job in self._running.values())
            if rows >= self._settings.batch_size:
                break
            in_use = next((job.recipe.model for job in self._running.values()), None)
            job = self._queue.take(in_use, self._supplies.coming)
            if job is None:
                break
            self._running[job.id] = job
            self._idle.clear()
            self._thread.start()
            self._thread.send(self._order(job))
            self._board.post(replace(queued(job), state=JobState.RUNNING))
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
                    ending = self._finishing.end(job, JobState.FAILED, failure.sentence)
                    self._tasks.start(ending, f"fail job {job.id}")
        self._feed()

    def _order(self, job: Job) -> Admit:
        recipe = job.recipe
        return Admit(
            job,
            self._catalogue[recipe.model],
            self._uploads.path(recipe.image) if recipe.image else None,
            self._uploads.path(recipe.mask) if recipe.mask else None,
        )

    def _expect(self) -> None:
        """Have the model of the first job that needs another one loaded meanwhile."""
        in_use = {job.recipe.model for job in self._running.values()}
        out = in_use | self._supplies.coming.keys()
        coming = (job.recipe.model for job in self._queue.order())
        model = next((name for name in coming if name not in out), None)
        if self._running and model is not None and model != self._expected:
            self._thread.send(Expect(self._catalogue[model]))
        self._expected = model

    def _take_progress(self, progress: Progress) -> None:
        if (job := self._running.get(progress.job_id)) is None:
            return
        last = self._board.get(job.id) or queued(job)
        done = progress.step / progress.total_steps
        self._board.post(
            replace(
                last,
                state=JobState.RUNNING,
                position=None,
                step=progress.step,
                total_steps=progress.total_steps,
                preview=progress.preview or last.preview,
                seconds_left=self._outlook.seconds_left(job, done, self._running.values()),
            )
        )

    def _take_report(self, report: Report) -> None:
        match report:
            case Progress():
                self._take_progress(report)
                return
            case Measured():
                self._estimates.learn(report)
                return
            case Noted(measurement):
                self._tasks.start(self._measurements.save(measurement), "keep a measurement")
                return
            case Painted(job_id) if job_id in self._called_off:
                self._take_report(Dropped(job_id))
                return
            case Painted(job_id, pictures):
                job = self._running.pop(job_id)
                self._finishing.keep(job, pictures, self._feed)
            case Failed(job_id, sentence):
                job = self._running.pop(job_id)
                self._called_off.discard(job_id)
                self._tasks.start(
                    self._finishing.end(job, JobState.FAILED, sentence), f"fail job {job_id}"
                )
            case Dropped(job_id):
                job = self._running.pop(job_id)
                self._called_off.discard(job_id)
                self._tasks.start(
                    self._finishing.end(job, JobState.CANCELLED), f"cancel job {job_id}"
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
                "The painter has stopped. The owner finds the reason in the log: {incident}.",
                incident=incident,
            )
        )
        for job in list(self._running.values()):
            self._take_report(Failed(job.id, sentence))

    def _announce(self) -> None:
        """Tell every waiting job where it stands."""
        for event in self._outlook.waiting(self._running.values()):
            self._board.post(event)

    async def missing(self, models: Sequence[str]) -> str | None:
        """The first of these models whose files have to come before it can paint, if any."""
        await self._supplies.look_for(models)
        return next((name for name in models if name not in self._supplies), None)

    async def forecast(self, owner: str, recipes: Sequence[Recipe]) -> float | None:
        """Seconds until jobs of `owner` for all of `recipes` would be painted, if they came now.

        `None` when that is not known; so it is where files have to come first.
        """
        await self._supplies.look_for([recipe.model for recipe in recipes])
        return self._outlook.forecast(owner, recipes, self._running.values())
