"""A worker's jobs: from the stream to the executor, and what came of them back to the bot.

The executor knows a job by a number that is never used twice here; the bot by the lease, which is
the number of the attempt. What the bot has given up by then is dropped.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from engine.cluster.protocol.job_messages import process_picture, run_job
from engine.cluster.protocol.measurements import measured
from engine.cluster.protocol.messages import (
    Dropped,
    Failed,
    NewMeasurement,
    Overflowed,
    Paint,
    Progress,
    Returned,
    WorkOn,
)
from engine.cluster.protocol.parts import PREVIEW_BYTES, FileRef
from engine.cluster.worker.bot_link import BotLink, OtherVersion
from engine.cluster.worker.delivery import deliver
from engine.cluster.worker.job_files import JobFiles
from engine.cluster.worker.models import WorkerModels
from engine.devices.device_host import DeviceDied, DeviceHost, crash_sentence
from engine.devices.messages import (
    BatchPlanned,
    CancelJob,
    ExecutorReport,
    JobDropped,
    JobFailed,
    JobPainted,
    JobProgress,
    ModelOverflowed,
    ProcessPicture,
    RunJob,
    StageMeasured,
)
from engine.errors import AtelierError, StorageError
from engine.memory.measurement import Measurement
from engine.memory.precision import Overflow
from engine.tasks import Tasks
from speech import Sentence

log = logging.getLogger(__name__)

NOT_FOR_HERE = "this worker can't paint it"


@dataclass(eq=False)
class HeldJob:
    """A job that the bot has given to this worker.

    Attributes:
        message: What came.
        number: What the executor calls it.
        count: How many pictures it has.
        with_device: Whether the executor has it.
        task: What is being done about it beside painting: fetching its files, or delivering.
    """

    message: Paint | WorkOn
    number: int
    count: int
    with_device: bool = False
    task: "asyncio.Task[None] | None" = None
    files: list[Path] = field(default_factory=list)

    @property
    def lease(self) -> int:
        """What the bot calls it."""
        return self.message.lease


class HeldJobs:
    """All jobs of this worker.

    Attributes:
        batch: How many pictures its device paints side by side, with which model; `None` before it
            has said so.
    """

    def __init__(
        self,
        link: BotLink,
        device: DeviceHost,
        models: WorkerModels,
        files: JobFiles,
        blamed: Callable[[], list[int]],
        save: Callable[[Measurement | Overflow], None],
        on_full: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        """Prepare to take jobs.

        Args:
            link: The line to the bot.
            device: Where they are painted.
            models: What this worker paints with.
            files: Where their files come from.
            blamed: The numbers of the jobs that a device which died was busy with; blocks.
            save: Keeps a measurement for the next start.
            on_full: Called when the disk is full.
            on_change: Called when there is room for another job.
        """
        self.batch: BatchPlanned | None = None
        self._link = link
        self._device = device
        self._models = models
        self._files = files
        self._blamed = blamed
        self._save = save
        self._on_full = on_full
        self._on_change = on_change
        self._numbers = itertools.count(1)
        self._held: dict[int, HeldJob] = {}
        self._cancelled: set[int] = set()
        self._tasks = Tasks()
        device.connect(self._on_report, self._on_crash)

    @property
    def leases(self) -> list[int]:
        """The jobs that this worker has."""
        return list(self._held)

    @property
    def pictures(self) -> int:
        """How many pictures they have that aren't painted."""
        return sum(held.count for held in self._held.values())

    @property
    def files(self) -> set[Path]:
        """The files that they are using."""
        return {file for held in self._held.values() for file in held.files}

    def admit(self, message: Paint | WorkOn) -> None:
        """Take a job; one that is here already is ignored."""
        if message.epoch != self._link.epoch or message.lease in self._held:
            return
        if message.lease in self._cancelled:
            self._cancelled.discard(message.lease)
            self._report(Dropped(lease=message.lease))
            return
        count = message.recipe.get("count", 1) if isinstance(message, Paint) else 1
        held = HeldJob(message, next(self._numbers), count if isinstance(count, int) else 1)
        self._held[message.lease] = held
        held.task = self._tasks.start(self._begin(held), f"begin job {message.lease}")

    def cancel(self, lease: int) -> None:
        """The bot no longer wants a job; it may still be on its way here."""
        held = self._held.get(lease)
        if held is None:
            self._cancelled.add(lease)
        elif held.with_device:
            self._device.send(CancelJob(held.number))
        else:
            self.drop([lease])
            self._report(Dropped(lease=lease))

    def drop(self, leases: Iterable[int]) -> None:
        """Forget jobs that the bot has given up."""
        for lease in leases:
            if (held := self._held.pop(lease, None)) is None:
                continue
            if held.task is not None:
                held.task.cancel()
            if held.with_device:
                self._device.send(CancelJob(held.number))

    def drop_all(self) -> None:
        """The meeting with the bot is over: nothing here is wanted any more."""
        self.drop(self.leases)
        self._cancelled.clear()

    def give_back(self, leases: Iterable[int], reason: str) -> None:
        """Tell the bot that others should paint these, and forget them."""
        returned = [lease for lease in leases if lease in self._held]
        if returned:
            self.drop(returned)
            self._report(Returned(leases=returned, reason=reason))

    async def stop(self) -> None:
        """Do nothing more."""
        self.drop_all()
        await self._tasks.cancel()

    async def _begin(self, held: HeldJob) -> None:
        """Fetch the files of a job, and hand it to the executor."""
        message = held.message
        refs = message.files if isinstance(message, Paint) else [message.file]
        try:
            files = await self._files.fetch(refs)
            held.files = list(files.values())
            command = self._command(held, refs, files)
        except StorageError as error:
            log.error("Job %d is given back: %s", held.lease, error)
            self.give_back([held.lease], str(error))
            self._on_full()
            return
        except (AtelierError, ValueError, KeyError) as error:
            log.error("Job %d is given back: %s", held.lease, error)
            self.give_back([held.lease], f"{NOT_FOR_HERE}: {error}")
            return
        except Exception as error:
            self._give_up(held, error)
            return
        if self._held.get(held.lease) is held:
            held.with_device, held.task = True, None
            self._device.start()
            self._device.send(command)

    def _command(
        self, held: HeldJob, refs: Sequence[FileRef], files: Mapping[str, Path]
    ) -> RunJob | ProcessPicture:
        """The command for the executor. Raises `ClusterError` or `ValueError`."""
        message = held.message
        if isinstance(message, WorkOn):
            network = self._models.network(message)
            return process_picture(message, held.number, network, files)
        self._models.use_loras({ref.name: files[ref.hash] for ref in refs if ref.role == "lora"})
        return run_job(message, held.number, self._models.model(message), files)

    def _of_number(self, number: int) -> HeldJob | None:
        return next((held for held in self._held.values() if held.number == number), None)

    def _on_report(self, report: ExecutorReport) -> None:
        if isinstance(report, BatchPlanned):
            self.batch = report
            return
        if isinstance(report, StageMeasured):
            self._save(report.measurement)
            self._say(NewMeasurement(measured=measured(report.measurement)))
            return
        if isinstance(report, ModelOverflowed):
            one = report.overflow
            self._save(one)
            self._say(
                Overflowed(
                    model=one.model, device=one.device, stage=one.stage.value, dtype=one.dtype
                )
            )
            return
        if (held := self._of_number(report.job_id)) is None:
            return  # it was dropped
        match report:
            case JobProgress(_, step, total, preview):
                if preview is not None and len(preview) > PREVIEW_BYTES:
                    preview = None
                self._say(
                    Progress(
                        lease=held.lease, step=step, total_steps=max(1, total), preview=preview
                    )
                )
            case JobPainted(_, pictures):
                held.with_device = False
                wanted = self._wants(held)
                self._start(held, partial(deliver, self._link, held.lease, pictures, wanted))
            case JobFailed(_, sentence):
                held.with_device = False
                self._end(held, Failed(lease=held.lease, sentence=stored(sentence)))
            case JobDropped():
                held.with_device = False
                self._end(held, Dropped(lease=held.lease))

    def _on_crash(self, error: BaseException | None) -> None:
        """The executor ended: another one paints on, here or elsewhere."""
        lost = [held for held in self._held.values() if held.with_device]
        if isinstance(error, DeviceDied):
            log.error("%s; its jobs are given back", error)
            self._tasks.start(self._report_crash(str(error), lost), "report a crash")
            return
        if isinstance(error, AtelierError):
            log.error("The executor ended: %s", error)
            self.give_back([held.lease for held in lost], str(error))
            return
        sentence = crash_sentence(error)
        for held in lost:
            held.with_device = False
            self._end(held, Failed(lease=held.lease, sentence=stored(sentence)))

    async def _report_crash(self, reason: str, lost: Sequence[HeldJob]) -> None:
        numbers = await asyncio.to_thread(self._blamed)
        for held in lost:
            held.with_device = False
        self._report(
            Returned(
                leases=[held.lease for held in lost],
                reason=reason,
                crashed=True,
                blamed=[held.lease for held in lost if held.number in numbers],
            )
        )
        self.drop([held.lease for held in lost])

    def _end(self, held: HeldJob, message: Failed | Dropped) -> None:
        """Report the end of a job until the bot knows it."""
        self._start(held, partial(self._link.insist, message, self._wants(held)))

    def _start(self, held: HeldJob, work: Callable[[], Awaitable[object]]) -> None:
        async def then_forget() -> None:
            try:
                await work()
            except OtherVersion:
                pass  # there is no other meeting with this bot
            except Exception as error:
                self._give_up(held, error)
            if self._held.get(held.lease) is held:
                del self._held[held.lease]
                self._on_change()

        held.task = self._tasks.start(then_forget(), f"report job {held.lease}")

    def _give_up(self, held: HeldJob, error: Exception) -> None:
        """Something unforeseen: the job goes elsewhere, rather than nowhere."""
        log.error("Job %d is given back", held.lease, exc_info=error)
        held.task = None
        self.give_back([held.lease], f"{NOT_FOR_HERE}: {error!r}"[:1000])

    def _wants(self, held: HeldJob) -> Callable[[], bool]:
        """Whether the bot may still want to know of a job."""
        return lambda: self._held.get(held.lease) is held

    def _report(self, message: Returned | Dropped) -> None:
        """Report what is no longer held, until the bot knows it or the meeting is over."""
        epoch = self._link.epoch

        async def insist() -> None:
            with contextlib.suppress(OtherVersion):
                await self._link.insist(message, lambda: self._link.epoch == epoch)

        self._tasks.start(insist(), "report")
        self._on_change()

    def _say(self, message: Progress | NewMeasurement | Overflowed) -> None:
        self._tasks.start(self._link.tell(message), "report progress")


def stored(sentence: str) -> str:
    """A sentence as it crosses the wire: the bot says it in its reader's language."""
    return sentence.to_json() if isinstance(sentence, Sentence) else sentence
