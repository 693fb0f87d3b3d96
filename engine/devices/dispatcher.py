"""The dispatcher: hands queued jobs to any number of devices, and makes their reports known."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from engine.devices.attached_device import AttachedDevice, DeviceState
from engine.devices.device_slot import DeviceSlot, SlotServices
from engine.devices.job_commands import JobCommands
from engine.devices.lending import DeviceLending
from engine.devices.messages import JobProgress
from engine.devices.postprocess import Postprocessor
from engine.devices.preloading import preload
from engine.errors import AtelierError
from engine.images.uploads import UploadFolder
from engine.jobs.assignment import JobAssignment
from engine.jobs.device_load import DeviceLoad
from engine.jobs.eta import EtaCalculator, queued_event
from engine.jobs.events import JobEvents
from engine.jobs.job import Job, JobState
from engine.jobs.positions import Positions
from engine.jobs.queue import FairQueue
from engine.jobs.recipe import Recipe
from engine.memory.device import DeviceMemory
from engine.models.availability import ModelAvailability
from engine.models.catalogue import Catalogue
from engine.models.networks import NetworkCatalogue
from engine.settings import EngineSettings
from engine.store import JobTable, MeasurementTable
from engine.tasks import Tasks

log = logging.getLogger(__name__)

STEP_GRACE = 2.0
"""Seconds that a device gets to finish the current step before it is left behind."""


class Dispatcher:
    """Queues jobs and keeps the attached devices busy with them.

    The order of the queue doesn't depend on the devices; which of them is given a job does.

    Attributes:
        lending: Lends the memory of this program's devices.
    """

    def __init__(
        self,
        settings: EngineSettings,
        catalogue: Catalogue,
        uploads: UploadFolder,
        jobs: JobTable,
        measurements: MeasurementTable,
        job_events: JobEvents,
        availability: ModelAvailability,
        postprocessor: Postprocessor,
        networks: NetworkCatalogue | None = None,
    ) -> None:
        """Prepare to work; jobs wait until a device is attached.

        Args:
            settings: For how long a model may stay, and jobs have to finish.
            catalogue: The models.
            uploads: Start images and masks.
            jobs: Where states are recorded.
            measurements: Where measurements are saved.
            job_events: Where progress is posted.
            availability: Which models are on disk.
            postprocessor: Checks and saves pictures.
            networks: What works on finished pictures.
        """
        self._settings = settings
        self._commands = JobCommands(catalogue, uploads, networks or NetworkCatalogue())
        self._jobs = jobs
        self._job_events = job_events
        self._availability = availability
        self._postprocessor = postprocessor
        self._queue = FairQueue()
        self._assignment = JobAssignment(self._queue, settings.patience)
        self._eta = EtaCalculator(self._queue, availability)
        self._positions = Positions(self._queue, self._eta, job_events, lambda: self._loads)
        self._slots: dict[str, DeviceSlot] = {}
        self._tasks = Tasks()
        self._services = SlotServices(
            jobs=jobs,
            measurements=measurements,
            postprocessor=postprocessor,
            tasks=self._tasks,
            requeue=self._requeue,
            progressed=self._on_progress,
            changed=self.wake,
            downloads=lambda model: model in availability.pending,
            alone=lambda slot: not self._others(slot),
            others_paint=lambda slot, job: any(
                # This machine's devices will, even if files have to be downloaded first.
                other.device.local or other.load.can_paint(job)
                for other in self._others(slot)
            ),
        )
        self.lending = DeviceLending(self._slots, self._queue, postprocessor, self.wake)
        self._idle = asyncio.Event()
        self._idle.set()
        self._look_again: asyncio.TimerHandle | None = None
        self._stopping = False
        self._stop_task: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------------------------ devices

    @property
    def devices(self) -> tuple[DeviceState, ...]:
        """The attached devices, in the order in which they were attached."""
        return tuple(slot.state for slot in self._slots.values())

    def attach(self, device: AttachedDevice) -> None:
        """Paint on a device, too, from now on; its host starts with its first job.

        Raises:
            ValueError: When a device of that name is attached.
        """
        if device.name in self._slots:
            raise ValueError(f"{device.name} is attached already")
        self._slots[device.name] = DeviceSlot(device, self._services)
        self.wake()

    async def detach(self, name: str) -> None:
        """Stop painting on a device; its jobs are painted on others, from the same seeds.

        They wait in front of their owners' other jobs, and nobody is blamed.

        Raises:
            KeyError: When no device of that name is attached.
        """
        slot = self._slots.pop(name)
        self._require_waiting()
        await slot.detach(STEP_GRACE)

    def pause(self, name: str) -> None:
        """Give a device no more jobs; it finishes those that it has. Raises `KeyError`."""
        self._slots[name].load.paused = True
        self._require_waiting()
        self.wake()

    def resume(self, name: str) -> None:
        """Give a device jobs again. Raises `KeyError`."""
        slot = self._slots[name]
        slot.load.paused, slot.failure = False, None
        self.wake()

    def wake(self) -> None:
        """A device may take more: hand over what can be begun."""
        if not any(slot.load.running for slot in self._slots.values()):
            self._idle.set()
        if not self._stopping:
            self._feed()
            preload(self._queue.firsts, list(self._slots.values()), self._commands)
        self._positions.changed()

    async def memory(self) -> list[DeviceMemory]:
        """How much is taken of each device's memory, as far as it can tell; also in `devices`."""
        slots = list(self._slots.values())
        told = await asyncio.gather(*(slot.device.host.memory() for slot in slots))
        for slot, memory in zip(slots, told, strict=True):
            slot.memory = memory
        return [memory for memory in told if memory is not None]

    def forget(self, model: str) -> None:
        """Release what is kept of a model that was removed."""
        self._availability.forget(model)
        for slot in self._slots.values():
            slot.forget(model)

    # --------------------------------------------------------------------------------------- jobs

    @property
    def waiting(self) -> Sequence[Job]:
        """The queued jobs, in the order of their turns."""
        return self._queue.order()

    def next_waiting(self, most: int) -> list[Job]:
        """The first `most` queued jobs; that costs the same however many others wait."""
        return list(islice(self._queue.walk(), most))

    @property
    def running(self) -> Sequence[Job]:
        """The jobs on the devices, then those whose pictures wait to be checked."""
        on_devices = [job for slot in self._slots.values() for job in slot.load.running.values()]
        return [*on_devices, *self._postprocessor.checking]

    def __len__(self) -> int:
        return len(self._queue)

    def open_jobs(self, owner: str) -> list[Job]:
        """The jobs of an owner that are painted or wait."""
        running = (job for job in self.running if job.owner == owner)
        return [*running, *self._queue.of_owner(owner)]

    def waiting_of(self, owner: str) -> int:
        """How many jobs of an owner wait."""
        return len(self._queue.of_owner(owner))

    def waiting_in(self, scope: str) -> int:
        """How many jobs wait that were asked for in a scope."""
        return self._queue.number_of_scope(scope)

    def post_positions(self) -> None:
        """Have the events of waiting jobs say where they are now."""
        self._positions.post()

    def push(self, job: Job) -> None:
        """Queue the job; it goes to a device when its turn comes."""
        log.debug("Job %d: %s", job.id, job.recipe.prompt)
        self._queue.push(job)
        self._job_events.post(queued_event(job))
        self._require(job)
        self.wake()

    async def cancel(self, job_id: int) -> bool:
        """Cancel the job; returns whether that was still possible."""
        job = self._queue.remove(job_id)
        if job is not None:
            await self._postprocessor.end(job, JobState.CANCELLED)
            model = job.recipe.model_needed
            if model is not None and model not in self._queue.models:
                self._availability.cancel(model)
            self._positions.changed()
            return True
        if any(slot.cancel(job_id) for slot in self._slots.values()):
            await self._jobs.set_state(job_id, JobState.CANCELLED)
            return True
        if (job := self._postprocessor.cancel(job_id)) is not None:
            await self._postprocessor.end(job, JobState.CANCELLED)
            self.wake()
            return True
        return False

    def use(self, settings: EngineSettings) -> None:
        """Have another patience and another grace count from now on."""
        self._settings, self._assignment.patience = settings, settings.patience

    async def stop(self) -> None:
        """Take no more jobs, let running ones finish within the grace period, put back the rest.

        A second call waits for the first. Cancelling a call doesn't stop the stopping.
        """
        if self._stop_task is None:
            self._stop_task = asyncio.create_task(self._stop(), name="stop the dispatcher")
        await asyncio.shield(self._stop_task)

    async def _stop(self) -> None:
        self._stopping = True
        if self._look_again is not None:
            self._look_again.cancel()
        await self._availability.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.grace):
                await self._idle.wait()
        slots = list(self._slots.values())
        await asyncio.gather(*(slot.stop(STEP_GRACE) for slot in slots))
        await self._postprocessor.stop(STEP_GRACE)
        await self._tasks.join()
        for slot in slots:
            await slot.put_back()
        self._positions.close()
        self._job_events.close()

    async def missing(self, models: Sequence[str]) -> str | None:
        """The first of these models whose files have to be downloaded before it can paint."""
        await self._availability.scan(models)
        return next((name for name in models if not self._availability.on_disk(name)), None)

    async def forecast(self, owner: str, recipes: Sequence[Recipe]) -> float | None:
        """Seconds until jobs of `owner` for all of `recipes` would be painted, if queued now.

        `None` when that isn't known, or when files have to be downloaded first.
        """
        await self._availability.scan([recipe.model for recipe in recipes])
        return self._eta.forecast(owner, recipes, self._loads)

    # ---------------------------------------------------------------------------------- to devices

    @property
    def _loads(self) -> list[DeviceLoad]:
        return [slot.load for slot in self._slots.values()]

    def _feed(self) -> None:
        """Hand over jobs while devices have room and the safety checker keeps up."""
        given = False
        while not given and self._postprocessor.keeps_up(len(self._slots)):
            decided = self._assignment.decide(self._loads)
            given = all(self._give(job, self._slots[load.name]) for job, load in decided)
        if not self._queue and not any(load.painting for load in self._loads):
            self._queue.start_level()
        if self._look_again is not None:
            self._look_again.cancel()
            self._look_again = None
        if (seconds := self._assignment.seconds_to_next()) is not None:
            self._look_again = asyncio.get_running_loop().call_later(seconds, self.wake)

    def _give(self, job: Job, slot: DeviceSlot) -> bool:
        """Give a waiting job to a device; returns whether that was possible."""
        self._queue.serve(job)
        try:
            command = self._commands.run(job)
        except AtelierError as error:
            self._end(job, JobState.FAILED, error.sentence)
            return False
        self._idle.clear()
        slot.begin(job, command)
        self._job_events.post(replace(queued_event(job), state=JobState.RUNNING))
        self._tasks.start(self._jobs.set_running(job.id), f"job {job.id} is running")
        return True

    # -------------------------------------------------------------------------------- from devices

    def _others(self, slot: DeviceSlot) -> list[DeviceSlot]:
        """The other devices that paint."""
        return [one for one in self._slots.values() if one is not slot and one.load.counts]

    def _requeue(self, job: Job, in_front: bool) -> None:
        if in_front:
            self._queue.put_back(job)
        else:
            self._queue.push(job)
        self._job_events.post(queued_event(job))
        self._require(job)

    def _on_progress(self, slot: DeviceSlot, job: Job, progress: JobProgress) -> None:
        last = self._job_events.get(job.id) or queued_event(job)
        done = progress.step / progress.total_steps
        self._job_events.post(
            replace(
                last,
                state=JobState.RUNNING,
                position=None,
                step=progress.step,
                total_steps=progress.total_steps,
                step_seconds=progress.step_seconds,
                preview=progress.preview or last.preview,
                seconds_left=self._eta.seconds_left(job, done, slot.load),
            )
        )

    def _require(self, job: Job) -> None:
        """Have a job's model downloaded, unless a device of another machine has it."""
        model = job.recipe.model_needed
        if model is None or self._availability.on_disk(model):
            return
        others = (slot.load for slot in self._slots.values() if not slot.device.local)
        if not any(load.counts and load.can_paint(job) for load in others):
            self._availability.require(model, self._on_files)

    def _require_waiting(self) -> None:
        for job in self._queue.firsts:
            self._require(job)

    def _on_files(self, model: str, failure: AtelierError | None) -> None:
        """More of a model's files is on disk; or they can't be had, and its jobs fail."""
        if failure is not None:
            log.error("The files of “%s” can't be downloaded: %s", model, failure)
            others = [slot.load for slot in self._slots.values() if not slot.device.local]
            for job in list(self._queue.walk((model,))):
                if not any(load.can_paint(job) for load in others):
                    self._queue.remove(job.id)
                    self._end(job, JobState.FAILED, failure.sentence)
        self.wake()

    def _end(self, job: Job, state: JobState, sentence: str | None = None) -> None:
        ending = self._postprocessor.end(job, state, sentence)
        self._tasks.start(ending, f"end job {job.id}")
