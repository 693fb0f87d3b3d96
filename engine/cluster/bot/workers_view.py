"""The workers at a glance, for their owner."""

import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from engine.cluster.bot.remote_device import RemoteDevice
from engine.devices.attached_device import DeviceState

HOUR, HOURS = 3600.0, 24


class Presence(StrEnum):
    """Whether a worker paints."""

    HERE = "here"
    """It is here and asks for work."""
    PAUSED = "paused"
    """It is here and takes nothing: its owner has paused it, or something on its machine has."""
    GONE = "gone"
    """It was here, and isn't now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """A worker at a glance.

    Attributes:
        name: The worker's name.
        presence: Whether it paints.
        pause: Why it is paused there, in a word or two; empty if it isn't.
        paused_here: Whether the bot's owner has paused it.
        device: Its device's name.
        program: Its version of the program.
        heard_at: When it was last heard of, in seconds since the epoch.
        device_state: Its device among all devices; `None` if it is gone.
        pictures_last_day: What it has painted in the last 24 hours.
    """

    name: str
    presence: Presence
    pause: str
    paused_here: bool
    device: str
    program: str
    heard_at: float
    device_state: DeviceState | None
    pictures_last_day: int


class WorkerHistory:
    """What workers have been here, and what they painted before their current meeting."""

    def __init__(self) -> None:
        self.devices: dict[str, RemoteDevice] = {}
        self._painted: dict[str, Counter[int]] = {}

    def met(self, worker: str, device: RemoteDevice) -> None:
        """A meeting has begun."""
        self.devices[worker] = device

    def parted(self, worker: str, state: DeviceState | None) -> None:
        """A meeting is over, in which the worker has painted so much."""
        if state is not None and state.pictures_last_day:
            painted = self._painted.setdefault(worker, Counter())
            painted[_hour()] += state.pictures_last_day
            for hour in [hour for hour in painted if hour <= _hour() - HOURS]:
                del painted[hour]

    def state(
        self, name: str, device: RemoteDevice, attached: DeviceState | None, paused: Collection[str]
    ) -> WorkerState:
        """A worker at a glance."""
        if attached is None:
            presence = Presence.GONE
        elif name in paused or not device.takes:
            presence = Presence.PAUSED
        else:
            presence = Presence.HERE
        before = self._painted.get(name, Counter())
        earlier = sum(number for hour, number in before.items() if hour > _hour() - HOURS)
        return WorkerState(
            name=name,
            presence=presence,
            pause=device.pause,
            paused_here=name in paused,
            device=device.hello.card.name,
            program=device.hello.program,
            heard_at=time.time() - (time.monotonic() - device.heard_at),
            device_state=attached,
            pictures_last_day=earlier + (attached.pictures_last_day if attached else 0),
        )


def _hour() -> int:
    return int(time.monotonic() / HOUR)
