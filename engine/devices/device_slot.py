"""One attached device: what it is told, what it reports, and what becomes of its jobs."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from engine.devices.attached_device import AttachedDevice, DeviceState
from engine.devices.device_host import DeviceDied, DeviceLost, crash_sentence
from engine.devices.messages import (
    BatchPlanned,
    CancelJob,
    ExecutorReport,
    ForgetModel,
    JobDropped,
    JobFailed,
    JobPainted,
    JobProgress,
    JobReturned,
    ModelOverflowed,
    Pixels,
    Preload,
    ProcessPicture,
    RunJob,
    StageMeasured,
)
from engine.devices.picture_check import why_not_asked_for
from engine.devices.postprocess import Postprocessor
from engine.errors import AtelierError, DeviceUnavailable, StorageError
from engine.jobs.attempts import gave_up
from engine.jobs.batch_sizes import BatchSizes
from engine.jobs.device_load import DeviceLoad
from engine.jobs.job import Job, JobState
from engine.jobs.recipe import Recipe
from engine.jobs.step_times import StepTimes
from engine.memory.device import DeviceMemory
from engine.store import JobTable, MeasurementTable
from engine.tasks import Tasks
from speech import say

log = logging.getLogger(__name__)

HOUR, HOURS = 3600.0, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotServices:
    """What all devices share.

    Attributes:
        jobs: Where states are recorded.
        measurements: Where measurements are saved.
        postprocessor: Checks and saves pictures, and ends jobs.
        tasks: For what is recorded meanwhile.
        requeue: Queues a job again; in front of its owner's others if that is true.
        progressed: Called with a running job's slot and its progress.
        changed: Called when a device may have room.
        downloads: Whether a model's files are being downloaded to this machine.
        alone: Whether there is no other device that paints.
        others_paint: Whether a job can be expected to be painted on another device.
    """

    jobs: JobTable
    measurements: MeasurementTable
    postprocessor: Postprocessor
    tasks: Tasks
    requeue: Callable[[Job, bool], None]
    progressed: Callable[["DeviceSlot", Job, JobProgress], None]
    changed: Callable[[], None]
    downloads: Callable[[str | None], bool]
    alone: Callable[["DeviceSlot"], bool]
    others_paint: Callable[["DeviceSlot", Job], bool]


class DeviceSlot:
    """A device's running jobs, from when it's given them until they are painted or over.

    Attributes:
        device: What was attached.
        load: Its jobs, and for how long they keep it busy.
        lent: Whether its memory is lent: it's given no jobs.
        preloading: The model that it was last told to load meanwhile.
        failure: Why it's paused, if that is because it can't be used.
        memory: How much of its memory is taken, when that was last asked.
    """

    def __init__(self, device: AttachedDevice, services: SlotServices) -> None:
        """Connect to the device's host, which starts with the first job."""
        self.device = device
        self.lent = False
        self.preloading: str | None = None
        self.failure: str | None = None
        self.memory: DeviceMemory | None = None
        batches = BatchSizes(device.batch_size)
        self.load = DeviceLoad(
            device.name,
            batches,
            StepTimes(device.profiles, batches),
            self._can_paint,
            lambda: not self.lent and device.accepts(),
        )
        self._services = services
        self._cancelled: set[int] = set()
        self._detached = False
        self._pictures: Counter[int] = Counter()
        self._painted = 0
        self._ignored = 0
        self._recipe: Recipe | None = None
        self._busy_at = time.monotonic()
        device.host.connect(self._on_report, self._on_crash)

    @property
    def name(self) -> str:
        """The device's name."""
        return self.device.name

    @property
    def idle_seconds(self) -> float:
        """For how long it has had nothing to do."""
        return 0.0 if self.load.running else time.monotonic() - self._busy_at

    @property
    def state(self) -> DeviceState:
        """The device at a glance."""
        last = self._recipe
        return DeviceState(
            name=self.name,
            local=self.device.local,
            batch_size=self.load.batches.of(self.load.model),
            model=self.load.model,
            running=tuple(self.load.running.values()),
            paused=self.load.paused,
            lent=self.lent,
            accepts=self.load.accepts(),
            pictures=self._painted,
            pictures_last_day=sum(
                number for hour, number in self._pictures.items() if hour > _hour() - HOURS
            ),
            ignored=self._ignored,
            step_seconds=self.load.times.step(last, 1) if last else None,
            step_size=(last.width, last.height) if last else None,
            failure=self.failure,
            memory=self.memory,
        )

    def begin(self, job: Job, command: RunJob | ProcessPicture) -> None:
        """Give the device a job."""
        self.load.begin(job)
        if job.recipe.model_needed is not None:
            self._recipe = job.recipe
        self.device.host.start()
        self.device.host.send(command)

    def preload(self, command: Preload | None) -> None:
        """Have it load a model while it paints; `None` if none is needed next."""
        model = command.model.name if command else None
        if command is not None and model != self.preloading:
            self.device.host.send(command)
        self.preloading = model

    def forget(self, model: str) -> None:
        """Release what is kept of a model that was removed."""
        self.device.profiles.forget(model)
        self.device.host.send(ForgetModel(model))

    def cancel(self, job_id: int) -> bool:
        """Have a job dropped before its next step; returns whether it runs here."""
        if job_id not in self.load.running:
            return False
        self._cancelled.add(job_id)
        self.device.host.send(CancelJob(job_id))
        return True

    async def lend(self) -> None:
        """Have the device's memory free for something else, until `lent` is false again.

        What it was still given before is queued again.
        """
        self.lent = True
        self.load.model = self.preloading = None
        await self.device.host.release()
        self._give_back(self.load.running)
        self._services.changed()

    async def detach(self, seconds: float) -> None:
        """Queue its jobs again, for other devices, and stop its host within `seconds`."""
        self._detached = True
        self._give_back(self.load.running)
        self._services.changed()
        await self.stop(seconds)

    async def stop(self, seconds: float) -> None:
        """Stop the host within `seconds`, and the recording of what it's busy with."""
        await self.device.host.stop(seconds)
        await asyncio.to_thread(self.device.blame.close)

    async def put_back(self) -> None:
        """Record the jobs that it hadn't finished when it was stopped as queued."""
        for job_id in self.load.running.keys() - self._cancelled:
            await self._services.postprocessor.put_back(job_id)

    def _can_paint(self, job: Job) -> bool:
        waits = self.device.local and self._services.downloads(job.recipe.model_needed)
        return not waits and self.device.can_paint(job)

    def _on_report(self, report: ExecutorReport) -> None:
        match report:
            case StageMeasured(measured) | ModelOverflowed(measured):
                saving = self._services.measurements.keep(measured)
                self._services.tasks.start(saving, "save a measurement")
                return
            case BatchPlanned(model, pictures):
                self.load.batches.plan(model, pictures)
                self._services.changed()
                return
            case _ if self._detached or report.job_id not in self.load.running:
                self._ignored += 1
                log.debug("%s reports on job %d, which it doesn't have", self.name, report.job_id)
                return
            case JobProgress(job_id, step, total):
                job = self.load.running[job_id]
                self.load.progress(job, step / total if total else 0.0)
                self._services.progressed(self, job, report)
                return
            case JobPainted(job_id, pictures) if job_id not in self._cancelled:
                self._keep(job_id, pictures)
            case JobFailed(job_id, sentence):
                self._end(job_id, JobState.FAILED, sentence)
            case JobDropped(job_id) | JobPainted(job_id):
                self._end(job_id, JobState.CANCELLED)
            case JobReturned(job_id, sentence):
                if sentence is None or self._services.others_paint(self, self.load.running[job_id]):
                    self._give_back([job_id])
                else:
                    self._end(job_id, JobState.FAILED, sentence)
        self._busy_at = time.monotonic()
        self._services.changed()

    def _keep(self, job_id: int, pictures: tuple[Pixels, ...]) -> None:
        if (reason := why_not_asked_for(self.load.running[job_id], pictures)) is not None:
            log.error("%s painted something else than job %d: %s", self.name, job_id, reason)
            sentence = say("What was painted isn't what was asked for. Try again.")
            self._end(job_id, JobState.FAILED, sentence)
            return
        services, job = self._services, self.load.end(job_id)
        self._painted += len(pictures)
        self._pictures[_hour()] += len(pictures)
        if len(self._pictures) > HOURS + 1:
            del self._pictures[min(self._pictures)]
        services.postprocessor.keep(job, pictures, self.name, services.changed)

    def _end(self, job_id: int, state: JobState, sentence: str | None = None) -> None:
        self._cancelled.discard(job_id)
        ending = self._services.postprocessor.end(self.load.end(job_id), state, sentence)
        self._services.tasks.start(ending, f"end job {job_id}")

    def _on_crash(self, error: BaseException | None) -> None:
        """The running jobs have failed, or are queued again; the next executor paints on."""
        self.load.model = self.preloading = None
        if self._detached:
            return
        if isinstance(error, DeviceLost):
            log.warning("%s is gone (%s); what it had is painted elsewhere", self.name, error)
            self._give_back(self.load.running)
            self._services.changed()
            return
        if isinstance(error, DeviceDied):
            log.error("%s; what it was busy with is painted again", error)
            work = self._paint_again(list(self.load.running))
            self._services.tasks.start(work, "paint again")
            return
        if isinstance(error, DeviceUnavailable) and not self._services.alone(self):
            log.error("Painting goes on without %s: %s", self.name, error)
            self.load.paused, self.failure = True, error.sentence
            self._give_back(self.load.running)
            self._services.changed()
            return
        if isinstance(error, AtelierError):
            log.error("The executor ended: %s", error)
            sentence = error.sentence
        else:
            sentence = crash_sentence(error)
        for job_id in list(self.load.running):
            self._on_report(JobFailed(job_id, sentence))

    def _give_back(self, job_ids: Iterable[int]) -> None:
        """Queue running jobs again; nobody is to blame."""
        for job_id in sorted(job_ids, reverse=True):
            if job_id in self._cancelled:
                self._end(job_id, JobState.CANCELLED)
                continue
            job = self.load.end(job_id)
            recording = self._services.postprocessor.put_back(job_id)
            self._services.tasks.start(recording, f"requeue job {job_id}")
            self._services.requeue(job, True)

    async def _paint_again(self, running: Sequence[int]) -> None:
        """Queue these jobs again; the ones to blame run alone, and not too often."""
        blamed = await asyncio.to_thread(self.device.blame.take) or running
        try:
            await self._services.jobs.count_stops(blamed)
        except StorageError as error:  # a full disk; they are painted all the same
            log.warning("The jobs to paint again couldn't be recorded: %s", error)
        innocent = [job_id for job_id in running if job_id not in blamed]
        for job_id in (*reversed(innocent), *(each for each in running if each in blamed)):
            await self._services.postprocessor.put_back(job_id)
            if (job := self.load.running.get(job_id)) is None:  # it was detached meanwhile
                continue
            job = replace(job, attempts=job.attempts + (job_id in blamed))
            if job_id in self._cancelled:
                self._end(job_id, JobState.CANCELLED)
            elif (sentence := gave_up(job)) is not None:
                self._end(job_id, JobState.FAILED, sentence)
            else:
                self.load.end(job_id)
                self._services.requeue(job, job_id in innocent)
        self._services.changed()


def _hour() -> int:
    return int(time.monotonic() // HOUR)
