"""Lending a device of this program: its memory is free for something else while nobody needs it."""

from collections.abc import Callable, Mapping

from engine.devices.device_slot import DeviceSlot
from engine.devices.postprocess import Postprocessor
from engine.jobs.queue import FairQueue


class DeviceLending:
    """Lends one of the devices, and tells when it is needed."""

    def __init__(
        self,
        slots: Mapping[str, DeviceSlot],
        queue: FairQueue,
        postprocessor: Postprocessor,
        wake: Callable[[], None],
    ) -> None:
        """Take the devices, the jobs that wait, and what begins them."""
        self._slots = slots
        self._queue = queue
        self._postprocessor = postprocessor
        self._wake = wake

    @property
    def idle_seconds(self) -> float:
        """For how long a device that can be lent has had nothing to do; 0 if all are needed.

        While one is lent, it is needed as soon as a job waits that no other device can paint.
        """
        idle = max((slot.idle_seconds for slot in self._lendable), default=0.0)
        loads = [slot.load for slot in self._slots.values()]
        if any(slot.lent for slot in self._slots.values()):
            others, firsts = [load for load in loads if load.counts], self._queue.firsts
            if others:
                served = all(any(one.can_paint(job) for one in others) for job in firsts)
                return idle if served else 0.0
        return 0.0 if len(self._queue) or self._postprocessor.checking else idle

    async def lend(self) -> str:
        """Have the memory of a device of this program free for something else, until `take_back`.

        Call it while `idle_seconds` isn't 0; it tells when the device is needed.

        Returns:
            Its name: the first one that is idle.

        Raises:
            LookupError: When no device of this program is attached, or all of them are paused.
        """
        if not (own := self._lendable):
            raise LookupError("no device of this program can be lent")
        slot = next((slot for slot in own if not slot.load.running), own[0])
        await slot.lend()
        return slot.name

    def take_back(self) -> None:
        """Paint again after `lend`."""
        for slot in self._slots.values():
            slot.lent = False
        self._wake()

    @property
    def _lendable(self) -> list[DeviceSlot]:
        return [s for s in self._slots.values() if s.device.local and not s.load.paused]
