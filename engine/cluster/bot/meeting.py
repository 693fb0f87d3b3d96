"""A meeting with a worker: from its hello until it says goodbye, is silent, or says hello again."""

import time
from collections.abc import Callable, Sequence

from engine.cluster.bot.leases import Lease
from engine.cluster.bot.remote_device import RemoteDevice
from engine.cluster.bot.worker_line import WorkerLine
from engine.cluster.protocol.messages import Beat, Bye, Hello


class Meeting:
    """What the bot knows of a worker that is here.

    Attributes:
        hello: What the worker has said of itself.
        line: The line to it.
        devices: Its devices.
        lacking: The names of the bot's models that it lacks.
        heard_at: When it was last heard of, monotonic seconds.
        pause: Why it's paused there; empty if it isn't.
    """

    def __init__(
        self,
        hello: Hello,
        line: WorkerLine,
        devices: Sequence[RemoteDevice],
        lacking: Sequence[str],
        changed: Callable[[], None],
    ) -> None:
        """Begin; `changed` is called when the worker may take more than it did."""
        self.hello = hello
        self.line = line
        self.devices = tuple(devices)
        self.lacking = tuple(lacking)
        self.heard_at = time.monotonic()
        self.pause = ""
        self._changed = changed

    @property
    def leases(self) -> list[Lease]:
        """The jobs that the worker has."""
        return [lease for device in self.devices for lease in device.leases]

    def find(self, number: int) -> tuple[RemoteDevice, Lease] | None:
        """A job that the worker has, and on which device."""
        for device in self.devices:
            if (lease := device.leases.get(number)) is not None:
                return device, lease
        return None

    def why_dead(self, number: int) -> str:
        """What a report about a job that it doesn't have is: repeated, or late."""
        return (
            "doubled" if any(device.leases.has_ended(number) for device in self.devices) else "late"
        )

    def heard(self, beat: Beat) -> None:
        """The worker is there, and has said what it takes."""
        self.heard_at, before = time.monotonic(), self.line.takes
        self.line.takes, self.pause = beat.takes, beat.pause
        for device, memory in zip(self.devices, beat.memory, strict=False):
            device.told_memory = memory
        for device, batch in zip(self.devices, beat.batches, strict=False):
            if batch is not None:
                device.take_batch(batch)
        for number in beat.leases:
            if (found := self.find(number)) is not None:
                found[1].named_at = self.heard_at
        again = [device.may_try_again() for device in self.devices]
        if before != beat.takes or any(again):
            self._changed()

    def missing(self, seconds: float) -> list[Lease]:
        """The jobs that the worker hasn't named for so long, though it was heard of."""
        return [
            lease
            for lease in self.leases
            if lease.named_at is not None and self.heard_at - lease.named_at > seconds
        ]

    async def end(self) -> None:
        """Part: the worker drops what it has and says hello again."""
        self.line.takes = 0
        await self.line.files.close()
        await self.line.tell(Bye())
