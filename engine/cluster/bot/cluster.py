"""The bot's side of the cluster: it meets workers, attaches their devices, notices silence.

A meeting begins with a worker's hello and ends with a goodbye, a silence, or another hello. At its
end what the worker had is painted elsewhere, from the same seeds.
"""

import asyncio
import itertools
import logging
import secrets
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.cluster.bot.comparison import compare
from engine.cluster.bot.leases import Lease
from engine.cluster.bot.meeting import Meeting
from engine.cluster.bot.outgoing_files import OutgoingFiles
from engine.cluster.bot.remote_device import RemoteDevice
from engine.cluster.bot.reports import Reports
from engine.cluster.bot.streams import drop_waiting, has_waiting, open_jobs, open_worker
from engine.cluster.bot.worker_line import WorkerLine
from engine.cluster.bot.worker_state import WorkerState
from engine.cluster.file_hashes import FileHashes
from engine.cluster.identity import Resources
from engine.cluster.protocol.encoding import (
    VERSION,
    BadMessage,
    Refusals,
    encode,
    from_worker,
    other_version,
)
from engine.cluster.protocol.job_messages import FindLora
from engine.cluster.protocol.messages import Beat, Bye, Hello, Message, Stranger, Unwelcome, Welcome
from engine.cluster.protocol.subjects import (
    FROM_ACCOUNT,
    FROM_WORKERS,
    NAME,
    is_answer_to,
    sender,
)
from engine.devices.dispatcher import Dispatcher
from engine.tasks import Tasks
from speech import say

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

log = logging.getLogger(__name__)

SILENCE = 8.0
"""Seconds without a word from a worker after which its jobs are painted elsewhere."""

LOOK_SECONDS = 0.5
LATE_SECONDS = 2.0
"""If this program itself was held up for so long, workers weren't silent: it wasn't listening."""


class Cluster:
    """The workers of a bot."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        resources: Resources,
        hashes: FileHashes,
        lora: FindLora,
        program: str,
        *,
        silence: float = SILENCE,
        version: int = VERSION,
    ) -> None:
        """Prepare to meet workers.

        Args:
            dispatcher: Where devices are attached.
            resources: What this machine has, to be compared with what workers have.
            hashes: The hashes of files.
            lora: Finds the files of LoRAs.
            program: The version of this program, for people.
            silence: Seconds without a word after which a worker is gone.
            version: Of the messages.
        """
        self._client: Client
        self._dispatcher = dispatcher
        self._resources = resources
        self._hashes = hashes
        self._lora = lora
        self._program = program
        self._silence = silence
        self._version = version
        self._session = secrets.token_hex(8)
        self._meetings = itertools.count(1)
        self._numbers = itertools.count(1)
        self._here: dict[str, Meeting] = {}
        self._latest: dict[str, Meeting] = {}
        self._greeting: set[str] = set()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._paused: set[str] = set()
        self._tasks = Tasks()
        self.refusals = Refusals()
        self._reports = Reports(self.refusals)

    async def start(self, client: "Client") -> None:
        """Begin to listen; the client may do anything. After `disconnect` it may begin again.

        Raises:
            Error: Of NATS, when the server refuses.
        """
        self._client = client
        await open_jobs(client)
        await client.subscribe(FROM_WORKERS, cb=self._on_message)
        self._tasks.start(self._watch(), "watch for silent workers")

    async def stop(self) -> None:
        """Part from all workers. Call it when the dispatcher has stopped: it gives jobs back."""
        await self._tasks.cancel()
        for meeting in self._here.values():
            for device in meeting.devices:
                await device.stop(0)
            await meeting.end()

    async def disconnect(self) -> None:
        """The connection is closed for good: what workers have is painted elsewhere."""
        await self._tasks.cancel()
        for worker in list(self._here):
            await self._part(worker, "the connection to the NATS server is closed")

    @property
    def workers(self) -> Sequence[WorkerState]:
        """All workers that were here since the start, at a glance."""
        attached = {state.name: state for state in self._dispatcher.devices}
        now, clock = time.time(), time.monotonic()
        return [
            WorkerState(
                name=worker,
                pause=one.pause,
                paused_here=worker in self._paused,
                cards=tuple(device.card.name for device in one.devices),
                program=one.hello.program,
                heard_at=now - (clock - one.heard_at),
                devices=tuple(
                    attached[device.name] for device in one.devices if device.name in attached
                ),
                lacking=one.lacking,
            )
            for worker, one in sorted(self._latest.items())
        ]

    def pause(self, worker: str) -> None:
        """Give a worker no more jobs until `resume`, whether it's here or not.

        It finishes those that it has.
        """
        self._paused.add(worker)
        if (meeting := self._here.get(worker)) is not None:
            for device in meeting.devices:
                self._dispatcher.pause(device.name)

    def resume(self, worker: str) -> None:
        """Give a worker jobs again."""
        self._paused.discard(worker)
        if (meeting := self._here.get(worker)) is not None:
            for device in meeting.devices:
                self._dispatcher.resume(device.name)

    async def _on_message(self, message: "Msg") -> None:
        # Each on its own: a file or a picture that takes a while doesn't hold up heartbeats.
        self._tasks.start(self._handle(message), "handle a worker's message")

    async def _handle(self, message: "Msg") -> None:
        worker = sender(message.subject)
        if NAME.fullmatch(worker) is None or set(message.headers or ()) - {FROM_ACCOUNT}:
            self.refusals.count("somebody", "unknown")
            return
        if message.reply and not is_answer_to(worker, message.reply):
            self.refusals.count(worker, "forged")  # the answer would go to somebody else
            return
        from nats.errors import Error

        try:
            answer = await self._answer(worker, message.data)
            if answer is not None and message.reply:
                await self._client.publish(message.reply, encode(answer, self._version))
        except (Error, OSError) as error:  # the worker asks again
            log.warning("“%s” can't be answered: %s", worker, error)

    async def _answer(self, worker: str, data: bytes) -> Message | None:
        try:
            message = from_worker(data, self._version)
        except BadMessage as refused:
            self.refusals.count(worker, refused.reason)
            if refused.version is None:
                return None
            sentence = other_version(refused.version, self._version)
            log.error("The worker “%s” can't join: %s", worker, sentence)
            return Unwelcome(sentence=sentence)
        if isinstance(message, Hello):
            return await self._greet(worker, message)
        meeting = self._here.get(worker)
        if meeting is None or message.epoch != meeting.line.epoch:
            if not isinstance(message, Beat | Bye):
                self.refusals.count(worker, "late")
            return Stranger()
        if isinstance(message, Bye):
            await self._leave(worker, meeting, "it has said goodbye")
            return None
        answer = await self._reports.take(meeting, message)
        return answer and answer.model_copy(update={"epoch": meeting.line.epoch})

    async def _greet(self, worker: str, hello: Hello) -> Message | None:
        """Meet a worker, unless another one is here under its name."""
        if worker in self._greeting:
            return None  # it has asked again because this takes so long
        self._greeting.add(worker)
        try:
            async with self._locks[worker]:
                return await self._greet_alone(worker, hello)
        finally:
            self._greeting.discard(worker)

    async def _greet_alone(self, worker: str, hello: Hello) -> Message:
        if (meeting := self._here.get(worker)) is not None:
            if meeting.hello.run != hello.run:
                sentence = say(
                    "Another worker is here as “{name}”, or was until a moment ago. Each "
                    "machine needs an invitation of its own.",
                    name=worker,
                )
                return Unwelcome(sentence=sentence)
            await self._part(worker, "it has said hello again")
        return await self._meet(worker, hello)

    async def _meet(self, worker: str, hello: Hello) -> Message:
        others = [meeting.line.usable for meeting in self._here.values()]
        found = await asyncio.to_thread(compare, worker, hello, self._resources, others)
        for note in found.notes:
            log.warning("%s", note)
        files = OutgoingFiles(worker, self._client.jetstream())
        await open_worker(self._client, worker)
        await files.open()
        epoch = f"{self._session}.{next(self._meetings)}"
        line = WorkerLine(worker, epoch, self._client, files, found.usable)
        wake = self._dispatcher.wake
        devices = [
            RemoteDevice(
                line, hello, number, self._hashes, self._resources, self._lora, self._numbers, wake
            )
            for number in range(1 + len(hello.further))
        ]
        names = [model.name for model in found.lacking]
        self._here[worker] = self._latest[worker] = Meeting(hello, line, devices, names, wake)
        for device in devices:
            self._dispatcher.attach(device.attached)
            if worker in self._paused:
                self._dispatcher.pause(device.name)
        cards = ", ".join(device.card.name for device in devices)
        log.info("The worker “%s” is here (%s, Atelier %s)", worker, cards, hello.program)
        return Welcome(
            epoch=epoch,
            program=self._program,
            notes=list(found.notes[:100]),
            lacking=list(found.lacking),
        )

    async def _leave(self, worker: str, meeting: Meeting, why: str) -> None:
        """End that meeting, if it isn't over; the next one begins afterwards."""
        async with self._locks[worker]:
            if self._here.get(worker) is meeting:
                await self._part(worker, why)

    async def _part(self, worker: str, why: str) -> None:
        """End a meeting: what the worker had is painted elsewhere. Call it with the lock."""
        meeting = self._here.pop(worker)
        log.warning("The worker “%s” is gone: %s", worker, why)
        meeting.line.takes = 0
        for device in meeting.devices:
            await self._dispatcher.detach(device.name)
        await meeting.end()
        await drop_waiting(self._client, worker)

    async def _watch(self) -> None:
        """Part from workers that are silent."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            late, last = now - last > LOOK_SECONDS + LATE_SECONDS, now
            for name, meeting in list(self._here.items()):
                if late:
                    meeting.heard_at = now
                elif now - meeting.heard_at > self._silence:
                    leaving = self._leave(name, meeting, "it's silent")
                    self._tasks.start(leaving, f"part from {name}")
                elif missing := meeting.missing(2 * self._silence):
                    self._tasks.start(self._look_for(name, meeting, missing), "look for jobs")

    async def _look_for(self, worker: str, meeting: Meeting, missing: list[Lease]) -> None:
        """Have others paint jobs that a worker should have, and neither it nor the server has."""
        from nats.errors import Error
        from nats.js.errors import NotFoundError

        for lease in missing:
            lease.named_at = meeting.heard_at  # look again after a while
        try:
            if await has_waiting(self._client, worker):
                return
        except NotFoundError:
            await self._leave(worker, meeting, "the server has lost its jobs")
            return
        except (Error, OSError):
            return
        for lease in missing:
            if (found := meeting.find(lease.number)) is not None:
                log.error("Job %d was lost on its way to “%s”", lease.job_id, worker)
                found[0].give_back(lease, refused=True)
