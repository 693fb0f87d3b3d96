"""A device of a worker: what it is, and the jobs that the bot has given to it."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from engine.cluster.protocol.parts import CardBatch, CardMemory
from engine.cluster.worker.held_jobs import HeldJobs
from engine.cluster.worker.models import MeasuredCard
from engine.devices.attached_device import AttachedDevice
from engine.errors import AtelierError, DeviceUnavailable
from engine.memory.device import DeviceFacts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintingDevice:
    """A device on which this worker paints.

    Attributes:
        device: Where it paints.
        facts: What it has said of itself.
        jobs: The jobs that it has.
    """

    device: AttachedDevice
    facts: DeviceFacts
    jobs: HeldJobs

    @property
    def has_room(self) -> bool:
        """Whether it can take another picture."""
        return self.jobs.pictures < self.device.batch_size

    @property
    def measured(self) -> MeasuredCard:
        """What is known of it."""
        return MeasuredCard(self.facts, self.device.profiles)

    @property
    def batch(self) -> CardBatch | None:
        """How many pictures it paints side by side, with which model, if it has said so."""
        told = self.jobs.batch
        return CardBatch(model=told.model, pictures=told.pictures) if told else None

    async def memory(self) -> CardMemory | None:
        """How much of its memory is taken; `None` while it can't tell."""
        with suppress(AtelierError):
            if (told := await self.device.host.memory()) is not None:
                return CardMemory(used_bytes=told.used_bytes, total_bytes=told.total_bytes)
        return None


async def those_there(
    devices: Sequence[AttachedDevice],
) -> list[tuple[AttachedDevice, DeviceFacts]]:
    """The devices that this machine has, with what they say of themselves; others are logged.

    Raises:
        DeviceUnavailable: When it has none of them.
    """
    told = await asyncio.gather(
        *(asyncio.to_thread(device.host.facts) for device in devices), return_exceptions=True
    )
    there: list[tuple[AttachedDevice, DeviceFacts]] = []
    missing: list[DeviceUnavailable] = []
    for device, facts in zip(devices, told, strict=True):
        if isinstance(facts, DeviceUnavailable):
            missing.append(facts)
        elif isinstance(facts, BaseException):
            raise facts
        else:
            log.info("This machine paints with: %s", facts.name)
            there.append((device, facts))
    if not there:
        raise missing[0]
    for error in missing:
        log.error("Painting goes on without a device: %s", error)
    return there
