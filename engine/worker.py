"""The bridge: asyncio on this side, the painter's thread on the other."""

import asyncio
import contextlib
import gc
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from engine.adapters import AdapterShelf
from engine.board import Board
from engine.errors import AtelierError, new_incident
from engine.estimates import Estimates
from engine.jobs import Job, JobEvent, JobState
from engine.memory.learned import Measurement
from engine.memory.ledger import Ledger
from engine.messages import (
    Admit,
    Cancel,
    Dropped,
    Expect,
    Failed,
    Forget,
    Measured,
    Noted,
    Order,
    Painted,
    Pixels,
    Progress,
    Report,
    Stop,
)
from engine.models import Catalogue
from engine.pictures import PictureFolder
from engine.queue import FairQueue
from engine.settings import EngineSettings
from engine.store import JobTable, MeasurementTable
from engine.tasks import Tasks
from engine.uploads import UploadFolder

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
        pictures: PictureFolder,
        uploads: UploadFolder,
        board: Board,
        estimates: Estimates,
        measurements: MeasurementTable,
        known: Sequence[Measurement],
        adapters: AdapterShelf | None = None,
        embeddings: Path | None = None,
    ) -> None:
        self._measurements = measurements
        self._ledger = Ledger(known)
        self._adapters = adapters
        self._embeddings = embeddings
        self._settings = settings
        self._catalogue = catalogue
        self._jobs = jobs
        self._pictures = pictures
        self._uploads = uploads
        self._board = board
        self._estimates = estimates
        self._queue = FairQueue(settings.patience)
        self._expected: str | None = None
        self._running: dict[int, Job] = {}
        self._called_off: set[int] = set()
        self._tasks = Tasks()
        self._inbox: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._progress: dict[int, Progress] = {}
        self._painting: asyncio.Future[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._ending: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def waiting(self) -> Sequence[Job]:
        """The jobs in the queue, in the order in which they will be served."""
        return self._queue.order()

    @property
    def running(self) -> Sequence[Job]:
        """The jobs that the painter has, oldest first."""
        return list(self._running.values())

    def __len__(self) -> int:
        return len(self._queue)

    def push(self, job: Job) -> None:
        """Queue the job; it is handed to the painter as soon as its turn comes."""
        self._queue.push(job)
        self._board.post(_event(job))
        self._feed()

    async def cancel(self, job_id: int) -> bool:
        """Call the job off. Whether it could be: a job whose painting is over cannot."""
        job = self._queue.remove(job_id)
        if job is not None:
            await self._end(job, JobState.CANCELLED)
            self._announce()
            return True
        if job_id in self._running:
            self._called_off.add(job_id)
            self._inbox.put(Cancel(job_id))
            await self._jobs.set_state(job_id, JobState.CANCELLED)
            return True
        return False

    def forget(self, model: str) -> None:
        """Let the painter give up what it keeps of a model that is there no more."""
        self._ledger.forget(model)
        self._inbox.put(Forget(model))

    async def stop(self) -> None:
        """Take nothing more, let what is in hand finish within the grace, put back the rest.

        A second call waits for the first; one that is cancelled does not stop the stopping.
        """
        if self._ending is None:
            self._ending = asyncio.create_task(self._stop(), name="stop the worker")
        await asyncio.shield(self._ending)

    async def _stop(self) -> None:
        self._stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.grace):
                await self._idle.wait()
        self._inbox.put(Stop())
        if self._painting is not None:
            await asyncio.wait([self._painting], timeout=THREAD_GRACE)
        await self._tasks.join()
        for job_id in self._running.keys() - self._called_off:
            await self._jobs.put_back(job_id)
        self._board.close()

    def _feed(self) -> None:
        """Hand over jobs while the painter has room for another row."""
        while not self._stopping:
            rows = sum(job.recipe.count for job in self._running.values())
            if rows >= self._settings.batch_size:
                break
            in_use = next((job.recipe.model for job in self._running.values()), None)
            job = self._queue.take(in_use)
            if job is None:
                break
            self._running[job.id] = job
            self._idle.clear()
            self._start_thread()
            self._inbox.put(self._order(job))
            self._board.post(replace(_event(job), state=JobState.RUNNING))
            self._tasks.start(self._jobs.set_running(job.id), f"job {job.id} is running")
        self._expect()
        self._announce()

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
        coming = (job.recipe.model for job in self._queue.order())
        model = next((name for name in coming if name not in in_use), None)
        if self._running and model is not None and model != self._expected:
            self._inbox.put(Expect(self._catalogue[model]))
        self._expected = model

    def _start_thread(self) -> None:
        if self._painting is None or self._painting.done():
            self._painting = self._loop.create_future()
            self._painting.add_done_callback(self._thread_ended)
            thread = threading.Thread(
                target=self._run_thread, args=(self._painting,), name="painter", daemon=True
            )
            thread.start()

    def _run_thread(self, painting: asyncio.Future[None]) -> None:
        """The painter's thread.

        It is a daemon, since nothing interrupts a download or a long step: a program that is told
        to stop leaves it behind, and what it had in hand is begun again at the next start.
        """
        try:
            self._paint()
        except Exception as error:
            self._call(_settle, painting, error)
        else:
            self._call(_settle, painting, None)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        """From the painter's thread: have the loop call; a loop that is gone needs it no more."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _paint(self) -> None:
        # Torch is imported here, in the thread, where seconds do not matter.
        from engine.diffusion import make_painter

        # What was imported stays: to look through it for garbage takes a third of a second. What a
        # painter before this one has left does not.
        gc.collect()
        gc.freeze()
        make_painter(
            self._settings,
            self._inbox,
            self._report,
            self._ledger,
            self._adapters,
            self._embeddings,
        ).run()

    def _report(self, report: Report) -> None:
        """Called in the painter's thread. Progress is not queued up: the latest value wins.

        The loop may take the pending value at any moment, so each one calls for its own taking:
        whoever comes late finds nothing.
        """
        if isinstance(report, Progress):
            pending = self._progress.get(report.job_id)
            if pending is not None and report.preview is None:
                report = replace(report, preview=pending.preview)
            self._progress[report.job_id] = report
            self._call(self._take_progress, report.job_id)
        else:
            self._call(self._take_report, report)

    def _take_progress(self, job_id: int) -> None:
        progress = self._progress.pop(job_id, None)
        job = self._running.get(job_id)
        if job is None or progress is None:
            return
        last = self._board.get(job_id) or _event(job)
        self._board.post(
            replace(
                last,
                state=JobState.RUNNING,
                position=None,
                step=progress.step,
                total_steps=progress.total_steps,
                preview=progress.preview or last.preview,
                seconds_left=self._seconds_left(job, progress.step / progress.total_steps),
            )
        )

    def _take_report(self, report: Report) -> None:
        match report:
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
                self._tasks.start(self._keep(job, pictures), f"keep job {job_id}")
            case Failed(job_id, sentence):
                job = self._running.pop(job_id)
                self._called_off.discard(job_id)
                self._tasks.start(self._end(job, JobState.FAILED, sentence), f"fail job {job_id}")
            case Dropped(job_id):
                job = self._running.pop(job_id)
                self._called_off.discard(job_id)
                self._tasks.start(self._end(job, JobState.CANCELLED), f"cancel job {job_id}")
        if not self._running:
            self._idle.set()
        self._feed()

    def _thread_ended(self, painting: asyncio.Future[None]) -> None:
        """The thread ends when it is told to; when it ends by itself, what it had has failed."""
        if self._stopping or painting.cancelled():
            return
        error = painting.exception()
        incident = new_incident()
        log.critical("The painter has stopped (incident %s)", incident, exc_info=error)
        sentence = (
            str(error)
            if isinstance(error, AtelierError)
            else f"The painter has stopped. The owner finds the reason in the log: {incident}."
        )
        self._inbox = queue.SimpleQueue()
        for job in list(self._running.values()):
            self._take_report(Failed(job.id, sentence))

    async def _keep(self, job: Job, pictures: tuple[Pixels, ...]) -> None:
        """Save the pictures, then record the job as painted."""
        try:
            files = await asyncio.to_thread(self._pictures.save, job, pictures)
            await self._jobs.set_painted(job.id, files)
        except AtelierError as error:
            log.error("Job %d is painted but cannot be kept: %s", job.id, error)
            await self._end(job, JobState.FAILED, str(error))
        except Exception:
            incident = new_incident()
            log.exception("Job %d is painted but cannot be kept (incident %s)", job.id, incident)
            sentence = "The picture could not be saved. The owner finds the reason in the log: "
            await self._end(job, JobState.FAILED, f"{sentence}{incident}.")
        else:
            self._board.post(JobEvent(job_id=job.id, state=JobState.PAINTED, pictures=tuple(files)))

    async def _end(self, job: Job, state: JobState, sentence: str | None = None) -> None:
        try:
            await self._jobs.set_state(job.id, state, sentence)
        finally:
            self._board.post(JobEvent(job_id=job.id, state=state, error=sentence))

    def _announce(self) -> None:
        """Tell every waiting job where it stands."""
        known = True
        seconds = 0.0
        in_use = None
        for job in self._running.values():
            event = self._board.get(job.id)
            done = event.step / event.total_steps if event and event.total_steps else 0.0
            estimate = self._estimates.painting(job.recipe)
            known = known and estimate is not None
            seconds += (estimate or 0.0) * (1 - done)
            in_use = job.recipe.model
        for position, job in enumerate(self._queue.order(), start=1):
            estimate = self._estimates.painting(job.recipe)
            known = known and estimate is not None
            seconds += estimate or 0.0
            if job.recipe.model != in_use:
                seconds += self._estimates.loading(job.recipe.model)
                in_use = job.recipe.model
            self._board.post(
                replace(_event(job), position=position, seconds_left=seconds if known else None)
            )

    def _seconds_left(self, job: Job, done: float) -> float | None:
        """Seconds until a running job is painted, `done` (0 to 1) of which is behind it."""
        rows = sum(job.recipe.count for job in self._running.values())
        step = self._estimates.step(job.recipe, min(rows, self._settings.batch_size))
        if step is None:
            return None
        calls = job.cost / job.recipe.count * (1 - done)
        return step * calls * max(1.0, rows / self._settings.batch_size)


def _settle(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _event(job: Job) -> JobEvent:
    return JobEvent(job_id=job.id, state=JobState.QUEUED, total_steps=job.cost)
