"""A device of another machine, as the dispatcher sees it: commands go out, reports come in.

It lives as long as a meeting with its worker. A job is out as soon as its message is in the stream;
it is over when a report about it has been taken, which is exactly once.
"""

import asyncio
import logging
import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.cluster.bot.leases import Lease, Leases
from engine.cluster.bot.outgoing_files import OutgoingFiles
from engine.cluster.errors import ClusterError
from engine.cluster.file_hashes import FileHashes
from engine.cluster.identity import Kind, Resource, Resources, of_network
from engine.cluster.protocol.encoding import encode
from engine.cluster.protocol.job_messages import FindLora, needed_files, paint_message
from engine.cluster.protocol.measurements import facts_of, measurement
from engine.cluster.protocol.messages import (
    Beat,
    Bye,
    Cancel,
    FileRef,
    Forget,
    Hello,
    LoadModel,
    Message,
)
from engine.cluster.protocol.pictures import Assembly, expected_size
from engine.cluster.protocol.subjects import jobs_of, to_worker
from engine.devices.blame import BlameFile
from engine.devices.device_host import OnCrash, OnReport
from engine.devices.messages import (
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
from engine.memory.profiles import ProfileStore
from engine.tasks import Tasks
from speech import say

if TYPE_CHECKING:
    from nats.aio.client import Client

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
    """The device of a worker during one meeting; a `DeviceHost`.

    Attributes:
        worker: The worker's name.
        epoch: The meeting's name.
        hello: What the worker has said of itself.
        files: The files for it.
        leases: The jobs that it has.
        blame: What it says of a crash.
        profiles: What was measured there.
        usable: What it has, with the same hashes as here.
        heard_at: When it was last heard of, monotonic seconds.
        takes: For how many pictures in all it asks.
        pause: Why it's paused there; empty if it isn't.
        can_more: Whether it can paint more than the dispatcher knows.
    """

    def __init__(
        self,
        worker: str,
        epoch: str,
        hello: Hello,
        usable: dict[Resource, str],
        client: "Client",
        files: OutgoingFiles,
        hashes: FileHashes,
        resources: Resources,
        lora: FindLora,
        numbers: Iterator[int],
    ) -> None:
        """Prepare for commands.

        Args:
            worker: The worker's name.
            epoch: The meeting's name.
            hello: What the worker has said of itself.
            usable: What the worker has, with the same hashes as here.
            client: The connection.
            files: The worker's bucket.
            hashes: What files have which hashes.
            resources: What jobs are painted with.
            lora: Finds the files of LoRAs.
            numbers: For attempts.
        """
        self.worker = worker
        self.epoch = epoch
        self.hello = hello
        self.files = files
        self.leases = Leases(numbers)
        self.blame = RemoteBlame()
        self.profiles = ProfileStore()
        for part in hello.measured:
            try:
                self.profiles.take(measurement(part))
            except ValueError:
                log.debug("A measurement of %s isn't one", worker)
        self.heard_at = time.monotonic()
        self.takes = 0
        self.pause = ""
        self.can_more = False
        self.usable = usable
        self._pixels = {
            offer.name: offer.most_pixels for offer in hello.offers if offer.kind == Kind.MODEL
        }
        self._client = client
        self._hashes = hashes
        self._resources = resources
        self._lora = lora
        self._can_paint: dict[int, bool] = {}
        self._refused: dict[int, tuple[int, float]] = {}
        self._again_at = math.inf
        self._outbox: asyncio.Queue[ExecutorCommand] = asyncio.Queue()
        self._tasks = Tasks()
        self._sending: asyncio.Task[None] | None = None
        self._stopped = False

    def connect(self, on_report: OnReport, on_crash: OnCrash) -> None:
        """As `DeviceHost.connect`."""
        self.report, self.crash = on_report, on_crash

    def send(self, command: ExecutorCommand) -> None:
        """As `DeviceHost.send`."""
        if isinstance(command, ForgetModel):
            resource = Resource(Kind.MODEL, command.name)
            self.usable.pop(resource, None)
            self._can_paint.clear()
            self._tasks.start(self._compare(resource), "compare a model's files")
        self._outbox.put_nowait(command)

    def start(self) -> None:
        """As `DeviceHost.start`: the worker runs already."""
        if self._sending is None and not self._stopped:
            self._sending = self._tasks.start(self._send_all(), f"send to {self.worker}")

    async def stop(self, seconds: float) -> None:
        """As `DeviceHost.stop`: the worker drops what it has and says hello again."""
        self._stopped = True
        await self._tasks.cancel()
        await self.files.close()
        for lease in self.leases:
            self.leases.end(lease)
        await self.tell(Bye())

    async def release(self) -> None:
        """As `DeviceHost.release`: the memory of another machine isn't needed here."""

    def facts(self) -> DeviceFacts:
        """As `DeviceHost.facts`: what the worker has said."""
        return facts_of(self.hello.card)

    async def memory(self) -> DeviceMemory | None:
        """As `DeviceHost.memory`: it isn't told across the network."""
        return None

    def accepts(self) -> bool:
        """Whether the worker asks for work."""
        return self.takes > 0 and not self._stopped

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
        return fits and all(resource in self.usable for resource in needed)

    def heard(self, beat: Beat) -> None:
        """The worker is there, and has said what it takes."""
        self.heard_at = time.monotonic()
        self.takes, self.pause = beat.takes, beat.pause
        if self.heard_at > self._again_at:
            self._again_at, self.can_more = math.inf, True
        for number in beat.leases:
            if (lease := self.leases.get(number)) is not None:
                lease.named_at = self.heard_at

    def missing(self, seconds: float) -> list[Lease]:
        """The jobs that the worker hasn't named for so long, though it was heard of."""
        return [
            lease
            for lease in self.leases
            if lease.named_at is not None and self.heard_at - lease.named_at > seconds
        ]

    def give_back(self, lease: Lease, *, refused: bool) -> None:
        """Others paint a job; one that is refused isn't given to this worker soon.

        The caller has made sure that it's live.
        """
        if refused:
            count, _ = self._refused.get(lease.job_id, (0, 0.0))
            self._again_at = time.monotonic() + REFUSED_SECONDS
            self._refused[lease.job_id] = count + 1, self._again_at
        self.end(lease, JobReturned(lease.job_id))

    def end(self, lease: Lease, report: ExecutorReport) -> None:
        """An attempt is over, with that report; once it's over, nothing more is reported of it."""
        if self.leases.end(lease):
            self.report(report)

    async def tell(self, message: Message) -> None:
        """Send the worker a message besides jobs; it is lost without a connection."""
        from nats.errors import Error

        try:
            data = encode(message.model_copy(update={"epoch": self.epoch}))
            await self._client.publish(to_worker(self.worker), data)
        except (Error, OSError) as error:
            log.debug("A message to %s is lost: %s", self.worker, error)

    async def _compare(self, resource: Resource) -> None:
        """Use what the worker has of a model that has changed here, if it's the same now."""
        offered = (each.hash for each in self.hello.offers if (each.kind, each.name) == resource)
        digest = next(offered, None)
        if digest and await asyncio.to_thread(self._resources.hash_of, resource) == digest:
            self.usable[resource] = digest
            self._can_paint.clear()
            self.can_more = True

    async def _send_all(self) -> None:
        while True:
            command = await self._outbox.get()
            match command:
                case RunJob() | ProcessPicture():
                    await self._send_job(command)
                case CancelJob(job_id):
                    if (lease := self.leases.of_job(job_id)) is not None:
                        await self.tell(Cancel(lease=lease.number))
                    else:  # it was over just before; the slot knows, or waits for this
                        self.report(JobDropped(job_id))
                case Preload(model):
                    if Resource(Kind.MODEL, model.name) in self.usable:
                        await self.tell(LoadModel(model=model.name))
                case ForgetModel(name):
                    await self.tell(Forget(model=name))
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
            self.files.allow(content, file)
            refs.append(FileRef(role=role, hash=content, size=file.stat().st_size, name=name))
        if isinstance(command, RunJob):
            resource = Resource(Kind.MODEL, command.model.name)
        else:
            resource = of_network(command.network)
        if (digest := self.usable.get(resource)) is None:
            raise ClusterError(say("The model “{model}” isn't there.", model=resource.name))
        message = paint_message(
            command, epoch=self.epoch, lease=lease.number, digest=digest, files=refs
        )
        return encode(message), expected_size(command)

    async def _publish(self, lease: Lease, data: bytes) -> None:
        """Put a job into the stream, again and again while the server is away.

        The worker ignores one that it has. When the silence gets too long, the meeting is over and
        the job is painted elsewhere.
        """
        from nats.errors import Error

        js = self._client.jetstream()
        lease.named_at = time.monotonic()
        while self.leases.get(lease.number) is lease:
            try:
                await js.publish(jobs_of(self.worker), data)
                return
            except (Error, OSError, TimeoutError) as error:
                log.debug("Job %d couldn't be published: %s", lease.job_id, error)
                await asyncio.sleep(PUBLISH_AGAIN_SECONDS)
