"""What a worker reports of its jobs: taken once each, if it is about an attempt that counts."""

import asyncio
import logging
from collections.abc import Sequence

from engine.cluster.bot.leases import Lease
from engine.cluster.bot.meeting import Meeting
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

    async def take(self, meeting: Meeting, message: Message) -> Message | None:
        """Take a message of the current meeting with that worker."""
        match message:
            case Beat():
                meeting.heard(message)
                return Alive(leases=[lease.number for lease in meeting.leases])
            case NeedFile(hash=digest):
                return FileState(state=await meeting.line.files.state(digest))
            case HaveFile(hash=digest):
                await meeting.line.files.remove(digest)
            case NewMeasurement() | Overflowed():
                self._learn(meeting, message)
            case Returned():
                return self._returned(meeting, message)
            case Progress() | PicturePart() | Painted() | Failed() | Dropped():
                if (found := meeting.find(message.lease)) is not None:
                    return await self._of_lease(*found, message)
                if not isinstance(message, Progress):
                    self._refusals.count(meeting.line.worker, meeting.why_dead(message.lease))
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
        log.error("“%s” has sent for job %d: %s", device.name, lease.job_id, error)
        self._refusals.count(device.worker, str(error))
        device.give_back(lease, refused=True)

    def _returned(self, meeting: Meeting, message: Returned) -> Message:
        found = [each for number in message.leases if (each := meeting.find(number)) is not None]
        if not found:
            return Taken()
        worker = meeting.line.worker
        log.warning("“%s” gives back %d jobs: %s", worker, len(found), message.reason)
        if message.crashed:
            self._crashed(found[0][0], [lease for _, lease in found], message.blamed)
            return Taken()
        paused = bool(meeting.pause) or message.reason.startswith("paused")
        if paused:
            meeting.line.takes = 0  # until it says otherwise
        for device, lease in found:
            device.give_back(lease, refused=not paused)
        return Taken()

    def _crashed(
        self, device: RemoteDevice, returned: Sequence[Lease], blamed: Sequence[int]
    ) -> None:
        """A device's process has died: a worker reports each device's on its own."""
        device.blame.job_ids = sorted(one.job_id for one in returned if one.number in blamed)
        for lease in device.leases:
            device.leases.end(lease)
        device.crash(DeviceDied(DIED))

    def _learn(self, meeting: Meeting, message: NewMeasurement | Overflowed) -> None:
        one = message if isinstance(message, Overflowed) else message.measured
        same = [device for device in meeting.devices if device.card.name == one.device]
        for device in same or meeting.devices[:1]:
            offered = any(offer.name == one.model for offer in meeting.hello.offers)
            if not offered or len(device.profiles) >= MOST_LEARNED:
                self._refusals.count(meeting.line.worker, "unknown")
                return
            try:
                if isinstance(message, Overflowed):
                    device.profiles.take_overflow(overflow(message))
                else:
                    device.profiles.take(measurement(message.measured))
            except ValueError:
                self._refusals.count(meeting.line.worker, "malformed")
                return
