"""A device of another machine, as the dispatcher sees it: commands go out, reports come in.

It lives as long as a meeting with its worker. A job is out as soon as its message is in the stream;
it is over when a report about it has been taken, which is exactly once.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterator

from engine.cluster.bot.leases import Lease, Leases
from engine.cluster.bot.worker_line import WorkerLine
from engine.cluster.errors import ClusterError
from engine.cluster.file_hashes import FileHashes
from engine.cluster.identity import Kind, Resource, Resources, of_network
from engine.cluster.protocol.encoding import encode
from engine.cluster.protocol.job_messages import FindLora, needed_files, paint_message
from engine.cluster.protocol.measurements import facts_of, first_pixels, profiles_of
from engine.cluster.protocol.messages import Cancel, Forget, Hello, LoadModel
from engine.cluster.protocol.parts import CardBatch, CardMemory, FileRef
from engine.cluster.protocol.pictures import Assembly, expected_size
from engine.devices.attached_device import AttachedDevice
from engine.devices.blame import BlameFile
from engine.devices.device_host import OnCrash, OnReport
from engine.devices.messages import (
    BatchPlanned,
    CancelJob,
    ExecutorCommand,
    ExecutorReport,
    ForgetModel,
    JobDropped,
    JobFailed,
    JobReturned,
    Preload,
    ProcessPicture,
    RunJob,
    StopExecutor,
)
from engine.errors import AtelierError
from engine.jobs.job import Job
from engine.memory.device import DeviceFacts, DeviceMemory
from engine.tasks import Tasks
from speech import say

log = logging.getLogger(__name__)

REFUSED_SECONDS, MOST_REFUSALS = 30.0, 3
"""For how long a worker isn't given a job that it has given back, and how often it may."""

MOST_REMEMBERED = 2000
"""Jobs of which is remembered whether the worker can paint them."""

PUBLISH_AGAIN_SECONDS = 0.5


class RemoteBlame(BlameFile):
    """Which jobs the worker's device was busy with when it died, as the worker says."""

    def __init__(self) -> None:
        super().__init__()
        self.job_ids: list[int] = []

    def take(self) -> list[int]:
        """They, once."""
        taken, self.job_ids = self.job_ids, []
        return taken


class RemoteDevice:
    """A device of a worker during one meeting; a `DeviceHost`.

    Attributes:
        worker: The worker's name.
        name: What it is called among all devices.
        card: What the worker says of it.
        batch_size: How many pictures it paints side by side.
        leases: The jobs that it has.
        blame: What the worker says of a crash.
        profiles: What was measured there.
        told_memory: What the worker has last said of its memory.
    """

    def __init__(
        self,
        line: WorkerLine,
        hello: Hello,
        number: int,
        hashes: FileHashes,
        resources: Resources,
        lora: FindLora,
        numbers: Iterator[int],
        changed: Callable[[], None],
    ) -> None:
        """Prepare for commands.

        Args:
            line: The line to the worker.
            hello: What the worker has said of itself.
            number: Which of its cards this is.
            hashes: What files have which hashes.
            resources: What jobs are painted with.
            lora: Finds the files of LoRAs.
            numbers: For attempts.
            changed: Called when it may take more than the dispatcher knows.
        """
        further = hello.further[number - 1] if number else None
        self.card = further.card if further else hello.card
        self.batch_size = further.batch_size if further else hello.batch_size
        place = f"{self.card.kind}:{number}" if hello.further else self.card.kind
        self.worker = line.worker
        self.name = f"{line.worker}/{place}"
        self.leases = Leases(numbers)
        self.blame = RemoteBlame()
        self.profiles = profiles_of(hello.measured, self.card)
        self.told_memory: CardMemory | None = None
        self._planned: BatchPlanned | None = None
        self._line = line
        self._number = number
        self._offers = hello.offers
        self._pixels = further.most_pixels if further else first_pixels(hello.offers)
        self._hashes = hashes
        self._resources = resources
        self._lora = lora
        self._changed = changed
        self._can_paint: dict[int, bool] = {}
        self._refused: dict[int, tuple[int, float]] = {}
        self._again_at = math.inf
        self._outbox: asyncio.Queue[ExecutorCommand] = asyncio.Queue()
        self._tasks = Tasks()
        self._sending: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def attached(self) -> AttachedDevice:
        """It, as the dispatcher is given it."""
        return AttachedDevice(
            name=self.name,
            host=self,
            batch_size=self.batch_size,
            profiles=self.profiles,
            can_paint=self.can_paint,
            accepts=self.accepts,
            blame=self.blame,
        )

    def connect(self, on_report: OnReport, on_crash: OnCrash) -> None:
        """As `DeviceHost.connect`."""
        self.report, self.crash = on_report, on_crash

    def send(self, command: ExecutorCommand) -> None:
        """As `DeviceHost.send`."""
        if isinstance(command, ForgetModel):
            resource = Resource(Kind.MODEL, command.name)
            self._line.usable.pop(resource, None)
            self._can_paint.clear()
            self._tasks.start(self._compare(resource), "compare a model's files")
        self._outbox.put_nowait(command)

    def start(self) -> None:
        """As `DeviceHost.start`: the worker runs already."""
        if self._sending is None and not self._stopped:
            self._sending = self._tasks.start(self._send_all(), f"send to {self.name}")

    async def stop(self, seconds: float) -> None:
        """As `DeviceHost.stop`; the worker hears of it when the meeting ends."""
        self._stopped = True
        await self._tasks.cancel()
        for lease in self.leases:
            self.leases.end(lease)

    async def release(self) -> None:
        """As `DeviceHost.release`: the memory of another machine isn't needed here."""

    def facts(self) -> DeviceFacts:
        """As `DeviceHost.facts`: what the worker has said."""
        return facts_of(self.card)

    async def memory(self) -> DeviceMemory | None:
        """As `DeviceHost.memory`: what the worker has said last."""
        if (told := self.told_memory) is None:
            return None
        return DeviceMemory(self.name, told.used_bytes, told.total_bytes)

    def accepts(self) -> bool:
        """Whether the worker asks for work."""
        return self._line.takes > 0 and not self._stopped

    def can_paint(self, job: Job) -> bool:
        """Whether the worker has what a job needs, and hasn't just given it back."""
        if job.id in self._refused:
            count, until = self._refused[job.id]
            if count >= MOST_REFUSALS or time.monotonic() < until:
                return False
        if (known := self._can_paint.get(job.id)) is None:
            if len(self._can_paint) > MOST_REMEMBERED:
                self._can_paint.clear()
            known = self._can_paint[job.id] = self._has_all(job)
        return known

    def _has_all(self, job: Job) -> bool:
        try:
            needed = self._resources.needed_by(job)
        except AtelierError:
            return False
        most = self._pixels.get(job.recipe.model) if job.recipe.model_needed else None
        fits = most is None or job.recipe.width * job.recipe.height <= most
        return fits and all(resource in self._line.usable for resource in needed)

    def take_batch(self, told: CardBatch) -> None:
        """The worker has said how many pictures are painted side by side here."""
        planned = BatchPlanned(told.model, told.pictures)
        known = Resource(Kind.MODEL, told.model) in self._line.usable
        if known and planned != self._planned:
            self._planned = planned
            self.report(planned)

    def may_try_again(self) -> bool:
        """Whether it may be given jobs now that it had given back; it is said once."""
        if time.monotonic() < self._again_at:
            return False
        self._again_at = math.inf
        return True

    def give_back(self, lease: Lease, *, refused: bool) -> None:
        """Others paint a job; one that is refused isn't given to this worker soon.

        The caller has made sure that it's live.
        """
        sentence = None
        if refused:
            count, _ = self._refused.get(lease.job_id, (0, 0.0))
            self._again_at = time.monotonic() + REFUSED_SECONDS
            self._refused[lease.job_id] = count + 1, self._again_at
            if count + 1 >= MOST_REFUSALS:
                sentence = say(
                    "“{worker}” keeps giving this back, and nothing else can paint it now. Try "
                    "again later.",
                    worker=self.worker,
                )
        self.end(lease, JobReturned(lease.job_id, sentence))

    def end(self, lease: Lease, report: ExecutorReport) -> None:
        """An attempt is over, with that report; once it's over, nothing more is reported of it."""
        if self.leases.end(lease):
            self.report(report)

    async def _compare(self, resource: Resource) -> None:
        """Use what the worker has of a model that has changed here, if it's the same now."""
        offered = (each.hash for each in self._offers if (each.kind, each.name) == resource)
        digest = next(offered, None)
        if digest and await asyncio.to_thread(self._resources.hash_of, resource) == digest:
            self._line.usable[resource] = digest
            self._can_paint.clear()
            self._changed()

    async def _send_all(self) -> None:
        while True:
            command = await self._outbox.get()
            match command:
                case RunJob() | ProcessPicture():
                    await self._send_job(command)
                case CancelJob(job_id):
                    if (lease := self.leases.of_job(job_id)) is not None:
                        await self._line.tell(Cancel(lease=lease.number, number=self._number))
                    else:  # it was over just before; the slot knows, or waits for this
                        self.report(JobDropped(job_id))
                case Preload(model):
                    if Resource(Kind.MODEL, model.name) in self._line.usable:
                        await self._line.tell(LoadModel(model=model.name, number=self._number))
                case ForgetModel(name):
                    await self._line.tell(Forget(model=name, number=self._number))
                case StopExecutor():
                    pass  # the worker isn't stopped by its bot

    async def _send_job(self, command: RunJob | ProcessPicture) -> None:
        lease = self.leases.begin(command)
        try:
            data, size = await asyncio.to_thread(self._prepared, lease)
        except ClusterError:
            self.give_back(lease, refused=True)
            return
        except AtelierError as error:
            self.end(lease, JobFailed(lease.job_id, error.sentence))
            return
        except OSError as error:
            log.error("Job %d: a file that it needs can't be read: %s", lease.job_id, error)
            sentence = say("A picture that this needs is no longer stored. Send it again.")
            self.end(lease, JobFailed(lease.job_id, sentence))
            return
        lease.assembly = Assembly(command.job.recipe.count, size)
        await self._publish(lease, data)

    def _prepared(self, lease: Lease) -> tuple[bytes, tuple[int, int]]:
        """The message with a job, and how large its pictures will be. Blocks."""
        command = lease.command
        refs = []
        for role, name, file in needed_files(command, self._lora):
            content = self._hashes.of(file)
            self._line.files.allow(content, file)
            refs.append(FileRef(role=role, hash=content, size=file.stat().st_size, name=name))
        if isinstance(command, RunJob):
            resource = Resource(Kind.MODEL, command.model.name)
        else:
            resource = of_network(command.network)
        if (digest := self._line.usable.get(resource)) is None:
            raise ClusterError(say("The model “{model}” isn't there.", model=resource.name))
        message = paint_message(
            command,
            epoch=self._line.epoch,
            lease=lease.number,
            digest=digest,
            files=refs,
            number=self._number,
        )
        return encode(message), expected_size(command)

    async def _publish(self, lease: Lease, data: bytes) -> None:
        """Put a job into the stream, again and again while the server is away.

        The worker ignores one that it has. When the silence gets too long, the meeting is over and
        the job is painted elsewhere.
        """
        lease.named_at = time.monotonic()
        while self.leases.get(lease.number) is lease:
            if await self._line.put_job(data):
                return
            await asyncio.sleep(PUBLISH_AGAIN_SECONDS)
