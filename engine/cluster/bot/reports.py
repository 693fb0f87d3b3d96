"""What a worker reports of its jobs: taken once each, if it is about an attempt that counts."""

import asyncio
import logging

from engine.cluster.bot.leases import Lease
from engine.cluster.bot.remote_device import RemoteDevice
from engine.cluster.bot.told_sentences import readable
from engine.cluster.protocol.encoding import Refusals
from engine.cluster.protocol.measurements import measurement, overflow
from engine.cluster.protocol.messages import (
    MOST_ROUNDS,
    Alive,
    Beat,
    Dropped,
    Failed,
    FileState,
    HaveFile,
    Message,
    NeedFile,
    NewMeasurement,
    Overflowed,
    Painted,
    PicturePart,
    Progress,
    Returned,
    Taken,
)
from engine.cluster.protocol.pictures import WrongPicture, usable_preview
from engine.devices.device_host import DeviceDied
from engine.devices.messages import JobDropped, JobFailed, JobPainted, JobProgress

log = logging.getLogger(__name__)

MOST_LEARNED = 10_000
"""How many measurements of a worker are kept during a meeting."""

DIED = -9
"""The exit code of a device's process on another machine, which doesn't say how it died."""


class Reports:
    """Takes reports of workers. What it returns is the answer; `None` is none."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals

    async def take(self, device: RemoteDevice, message: Message) -> Message | None:
        """Take a message of the current meeting with that worker."""
        match message:
            case Beat():
                device.heard(message)
                return Alive(leases=device.leases.numbers)
            case NeedFile(hash=digest):
                return FileState(state=await device.files.state(digest))
            case HaveFile(hash=digest):
                await device.files.remove(digest)
            case NewMeasurement() | Overflowed():
                self._learn(device, message)
            case Returned():
                return self._returned(device, message)
            case Progress() | PicturePart() | Painted() | Failed() | Dropped():
                lease = device.leases.get(message.lease)
                if lease is not None:
                    return await self._of_lease(device, lease, message)
                if not isinstance(message, Progress):
                    why = device.leases.why_dead(message.lease)
                    self._refusals.count(device.worker, why)
                    return Taken()  # the worker needn't send it again
        return None

    async def _of_lease(
        self,
        device: RemoteDevice,
        lease: Lease,
        message: Progress | PicturePart | Painted | Failed | Dropped,
    ) -> Message | None:
        match message:
            case Progress(step=step, total_steps=total, preview=preview):
                shown = usable_preview(preview)
                device.report(JobProgress(lease.job_id, min(step, total), total, shown))
                return None
            case PicturePart():
                return self._part(device, lease, message)
            case Painted():
                return await self._painted(device, lease, message)
            case Failed(sentence=sentence):
                device.end(lease, JobFailed(lease.job_id, readable(sentence)))
            case Dropped():
                device.end(lease, JobDropped(lease.job_id))
        return Taken()

    def _part(self, device: RemoteDevice, lease: Lease, message: PicturePart) -> Message | None:
        if lease.assembly is None or lease.checking:
            return None
        try:
            lease.assembly.add(message.number, message.offset, message.data)
        except WrongPicture as error:
            self._refuse(device, lease, error)
        return Taken()

    async def _painted(
        self, device: RemoteDevice, lease: Lease, message: Painted
    ) -> Message | None:
        if lease.assembly is None or lease.checking:
            return None  # it's being checked; the worker asks again
        lease.checking = True
        try:
            assembly, files = lease.assembly, message.pictures
            if not await asyncio.to_thread(assembly.complete, files):
                lease.rounds += 1
                if lease.rounds < MOST_ROUNDS:
                    lease.assembly = assembly.anew()
                    return Taken(again=True)
            pictures = await asyncio.to_thread(assembly.pixels, files)
        except WrongPicture as error:
            self._refuse(device, lease, error)
        else:
            device.end(lease, JobPainted(lease.job_id, pictures))
        finally:
            lease.checking = False
        return Taken()

    def _refuse(self, device: RemoteDevice, lease: Lease, error: WrongPicture) -> None:
        """The pictures aren't those that were asked for: nobody sees them, others paint the job."""
        log.error("“%s” has sent for job %d: %s", device.worker, lease.job_id, error)
        self._refusals.count(device.worker, str(error))
        device.give_back(lease, refused=True)

    def _returned(self, device: RemoteDevice, message: Returned) -> Message:
        found = [lease for n in message.leases if (lease := device.leases.get(n)) is not None]
        if not found:
            return Taken()
        log.warning("“%s” gives back %d jobs: %s", device.worker, len(found), message.reason)
        if message.crashed:
            blamed = {lease.job_id for lease in found if lease.number in message.blamed}
            device.blame.job_ids = sorted(blamed)
            for lease in device.leases:
                device.leases.end(lease)
            device.crash(DeviceDied(DIED))
        else:
            paused = bool(device.pause) or message.reason.startswith("paused")
            if paused:
                device.takes = 0  # until it says otherwise
            for lease in found:
                device.give_back(lease, refused=not paused)
        return Taken()

    def _learn(self, device: RemoteDevice, message: NewMeasurement | Overflowed) -> None:
        model = message.model if isinstance(message, Overflowed) else message.measured.model
        offered = any(offer.name == model for offer in device.hello.offers)
        if not offered or len(device.profiles) >= MOST_LEARNED:
            self._refusals.count(device.worker, "unknown")
            return
        try:
            if isinstance(message, Overflowed):
                device.profiles.take_overflow(overflow(message))
            else:
                device.profiles.take(measurement(message.measured))
        except ValueError:
            self._refusals.count(device.worker, "malformed")
