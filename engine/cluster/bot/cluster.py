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
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.cluster.bot.leases import Lease
from engine.cluster.bot.outgoing_files import OutgoingFiles
from engine.cluster.bot.remote_device import RemoteDevice
from engine.cluster.bot.reports import Reports
from engine.cluster.bot.streams import drop_waiting, has_waiting, open_jobs, open_worker
from engine.cluster.bot.workers_view import WorkerHistory, WorkerState
from engine.cluster.file_hashes import FileHashes
from engine.cluster.identity import Kind, Resource, Resources
from engine.cluster.protocol.encoding import (
    VERSION,
    BadMessage,
    Refusals,
    encode,
    from_worker,
    other_version,
)
from engine.cluster.protocol.job_messages import FindLora
from engine.cluster.protocol.messages import (
    Beat,
    Bye,
    Hello,
    Message,
    Offer,
    Stranger,
    Unwelcome,
    Welcome,
)
from engine.cluster.protocol.subjects import FROM_ACCOUNT, FROM_WORKERS, NAME, is_answer_to, sender
from engine.devices.attached_device import AttachedDevice
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
        client: "Client",
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
            client: The connection, as one that may do anything.
            dispatcher: Where devices are attached.
            resources: What this machine has, to be compared with what workers have.
            hashes: The hashes of files.
            lora: Finds the files of LoRAs.
            program: The version of this program, for people.
            silence: Seconds without a word after which a worker is gone.
            version: Of the messages.
        """
        self._client = client
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
        self._devices: dict[str, RemoteDevice] = {}
        self._history = WorkerHistory()
        self._greeting: set[str] = set()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._paused: set[str] = set()
        self._tasks = Tasks()
        self.refusals = Refusals()
        self._reports = Reports(self.refusals)

    async def start(self) -> None:
        """Begin to listen. Raises `Error` of NATS when the server refuses."""
        await open_jobs(self._client)
        await self._client.subscribe(FROM_WORKERS, cb=self._on_message)
        self._tasks.start(self._watch(), "watch for silent workers")

    async def stop(self) -> None:
        """Part from all workers. Call it when the dispatcher has stopped: it gives jobs back."""
        await self._tasks.cancel()
        for device in self._devices.values():
            await device.stop(0)

    @property
    def workers(self) -> Sequence[WorkerState]:
        """All workers that were here since the start, at a glance."""
        attached = {state.name: state for state in self._dispatcher.devices}
        return [
            self._history.state(name, device, attached.get(_attached_name(device)), self._paused)
            for name, device in sorted(self._history.devices.items())
        ]

    def pause(self, worker: str) -> None:
        """Give a worker no more jobs until `resume`, whether it's here or not.

        It finishes those that it has.
        """
        self._paused.add(worker)
        if (device := self._devices.get(worker)) is not None:
            self._dispatcher.pause(_attached_name(device))

    def resume(self, worker: str) -> None:
        """Give a worker jobs again."""
        self._paused.discard(worker)
        if (device := self._devices.get(worker)) is not None:
            self._dispatcher.resume(_attached_name(device))

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
        device = self._devices.get(worker)
        if device is None or message.epoch != device.epoch:
            if not isinstance(message, Beat | Bye):
                self.refusals.count(worker, "late")
            return Stranger()
        if isinstance(message, Bye):
            await self._leave(worker, device, "it has said goodbye")
            return None
        took = device.takes
        answer = await self._reports.take(device, message)
        if device.takes != took or device.can_more:
            device.can_more = False
            self._dispatcher.wake()
        return answer and answer.model_copy(update={"epoch": device.epoch})

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
        if (device := self._devices.get(worker)) is not None:
            if device.hello.run != hello.run:
                sentence = say(
                    "Another worker is here as “{name}”, or was until a moment ago. Each "
                    "machine needs an invitation of its own.",
                    name=worker,
                )
                return Unwelcome(sentence=sentence)
            await self._part(worker, "it has said hello again")
        return await self._meet(worker, hello)

    async def _meet(self, worker: str, hello: Hello) -> Message:
        offers = {_resource(offer): offer.hash for offer in hello.offers if _is_kind(offer.kind)}
        others = [device.usable for device in self._devices.values()]
        own = await asyncio.to_thread(self._own_hashes, offers, others)
        usable = {
            resource: digest for resource, digest in own.items() if offers[resource] == digest
        }
        notes = list(self._notes(worker, offers, own))
        for note in notes:
            log.warning("%s", note)
        files = OutgoingFiles(worker, self._client.jetstream())
        await open_worker(self._client, worker)
        await files.open()
        epoch = f"{self._session}.{next(self._meetings)}"
        device = RemoteDevice(
            worker,
            epoch,
            hello,
            usable,
            self._client,
            files,
            self._hashes,
            self._resources,
            self._lora,
            self._numbers,
        )
        self._devices[worker] = device
        self._history.met(worker, device)
        self._dispatcher.attach(
            AttachedDevice(
                name=_attached_name(device),
                host=device,
                batch_size=hello.batch_size,
                profiles=device.profiles,
                can_paint=device.can_paint,
                accepts=device.accepts,
                blame=device.blame,
            )
        )
        if worker in self._paused:
            self._dispatcher.pause(_attached_name(device))
        log.info("The worker “%s” is here (%s, Atelier %s)", worker, hello.card.name, hello.program)
        return Welcome(epoch=epoch, program=self._program, notes=notes[:100])

    def _own_hashes(
        self, offers: Mapping[Resource, str], others: Sequence[Mapping[Resource, str]]
    ) -> dict[Resource, str]:
        """What identifies those of these that this machine has, or knows by name only.

        What it knows by name and hasn't downloaded is whatever the first worker has. Blocks.
        """
        own = dict(self._resources.hashes_of(offers))
        for resource in set(self._resources.names()) & (offers.keys() - own.keys()):
            theirs = (usable.get(resource) for usable in others)
            own[resource] = next(filter(None, theirs), offers[resource])
        return own

    def _notes(
        self, worker: str, offers: Mapping[Resource, str], own: Mapping[Resource, str]
    ) -> list[str]:
        """What isn't used of what a worker has, and why."""
        notes: list[str] = []
        for resource, digest in offers.items():
            if (here := own.get(resource)) is not None and here != digest:
                notes.append(
                    say(
                        "“{name}” isn't used on “{worker}”: its files there differ from those on "
                        "the bot's machine.",
                        name=resource.name or resource.kind,
                        worker=worker,
                    )
                )
            elif here is None and resource.kind is Kind.MODEL:
                notes.append(
                    say(
                        "“{name}” isn't used on “{worker}”: the bot has no model of that name.",
                        name=resource.name,
                        worker=worker,
                    )
                )
        return notes

    async def _leave(self, worker: str, device: RemoteDevice, why: str) -> None:
        """End that meeting, if it isn't over; the next one begins afterwards."""
        async with self._locks[worker]:
            if self._devices.get(worker) is device:
                await self._part(worker, why)

    async def _part(self, worker: str, why: str) -> None:
        """End a meeting: what the worker had is painted elsewhere. Call it with the lock."""
        device = self._devices.pop(worker)
        log.warning("The worker “%s” is gone: %s", worker, why)
        state = next(
            (one for one in self._dispatcher.devices if one.name == _attached_name(device)), None
        )
        self._history.parted(worker, state)
        await self._dispatcher.detach(_attached_name(device))
        await drop_waiting(self._client, worker)

    async def _watch(self) -> None:
        """Part from workers that are silent."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            late, last = now - last > LOOK_SECONDS + LATE_SECONDS, now
            for name, device in list(self._devices.items()):
                if late:
                    device.heard_at = now
                elif now - device.heard_at > self._silence:
                    self._tasks.start(self._leave(name, device, "it's silent"), f"part from {name}")
                elif missing := device.missing(2 * self._silence):
                    self._tasks.start(self._look_for(name, device, missing), "look for jobs")

    async def _look_for(self, worker: str, device: RemoteDevice, missing: list[Lease]) -> None:
        """Have others paint jobs that a worker should have, and neither it nor the server has."""
        from nats.errors import Error
        from nats.js.errors import NotFoundError

        for lease in missing:
            lease.named_at = device.heard_at  # look again after a while
        try:
            if await has_waiting(self._client, worker):
                return
        except NotFoundError:
            await self._leave(worker, device, "the server has lost its jobs")
            return
        except (Error, OSError):
            return
        for lease in missing:
            if device.leases.get(lease.number) is lease:
                log.error("Job %d was lost on its way to “%s”", lease.job_id, worker)
                device.give_back(lease, refused=True)


def _attached_name(device: RemoteDevice) -> str:
    """What the device of a worker is called among all devices."""
    return f"{device.worker}/{device.hello.card.kind}"


def _is_kind(text: str) -> bool:
    return text in list(Kind)


def _resource(offer: Offer) -> Resource:
    return Resource(Kind(offer.kind), offer.name)
