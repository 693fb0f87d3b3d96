"""Everything that paints for this bot, by name: its own devices and workers on other machines."""

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.cluster.bot.cluster import Cluster
from engine.cluster.bot.workers_view import WorkerState
from engine.devices.attached_device import DeviceState
from engine.devices.dispatcher import Dispatcher
from engine.errors import InvalidRequest, StorageError
from engine.store import SeenWorker, WorkerTable
from speech import say

log = logging.getLogger(__name__)

KEPT = 30 * 24 * 3600.0
"""Seconds for which a worker that doesn't come back is listed."""

NOTE_INTERVAL = 60.0
"""Seconds between two notes of who is here."""


class Doing(StrEnum):
    """What a worker is doing."""

    PAINTING = "painting"
    IDLE = "idle"
    TRAINING = "training"
    """Its memory is lent to a training."""
    PAUSED = "paused"
    """The bot's owner has paused it, or its own owner, or it can't be used."""
    AWAY = "away"
    """It was here, and isn't now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker at a glance.

    Attributes:
        name: Of the worker, or of this machine's device.
        local: Whether it's a device of this machine.
        doing: What it's doing.
        paused_here: Whether the bot's owner has paused it; it stays so until it's resumed.
        pause: Why it's paused otherwise: a word or two from its machine, or a sentence.
        card: What it paints with, as the machine calls it; empty if that isn't known.
        program: Its version of the program; empty for this machine's.
        model: The model in use, or used last.
        jobs: How many jobs it has.
        pictures: How many pictures those have together.
        batch_size: How many pictures it paints side by side.
        step_seconds: Of a step for one picture of `step_size`; `None` if that isn't measured.
        step_size: Width and height.
        pictures_last_day: How many it has painted in the last 24 hours.
        seen_at: When it was last heard of, in seconds since the epoch.
    """

    name: str
    local: bool
    doing: Doing
    paused_here: bool = False
    pause: str = ""
    card: str = ""
    program: str = ""
    model: str | None = None
    jobs: int = 0
    pictures: int = 0
    batch_size: int = 0
    step_seconds: float | None = None
    step_size: tuple[int, int] | None = None
    pictures_last_day: int
    seen_at: float

    @property
    def resumable(self) -> bool:
        """Whether `Workers.resume` gives it jobs again, as far as that is for this machine."""
        return self.paused_here or (self.local and self.doing is Doing.PAUSED)


class Workers:
    """Lists workers, and pauses them; a pause outlives a restart."""

    def __init__(
        self, dispatcher: Dispatcher, table: WorkerTable, paused: frozenset[str] = frozenset()
    ) -> None:
        """Pause this machine's devices that were paused.

        Args:
            dispatcher: Has the devices; this machine's are attached.
            table: Where it's kept what outlives a restart.
            paused: The names of all that were paused.
        """
        self._dispatcher = dispatcher
        self._table = table
        self._paused = set(paused)
        self._cluster: Cluster | None = None
        for state in dispatcher.devices:
            if state.name in self._paused:
                dispatcher.pause(state.name)

    def use(self, cluster: Cluster | None) -> None:
        """Have workers on other machines, too; those that were paused are paused when they come."""
        self._cluster = cluster
        if cluster is not None:
            for name in self._paused:
                cluster.pause(name)

    async def all(self) -> Sequence[Worker]:
        """This machine's devices, then workers on other machines by name, the missing ones last.

        One that hasn't been here for a month isn't listed.
        """
        pictures = await self._table.pictures_last_day()
        seen = await self._table.seen_since(time.time() - KEPT)
        here = [*self._local(pictures), *self._remote(pictures)]
        names = {worker.name for worker in here}
        away = [self._away(one, pictures) for one in seen if one.name not in names]
        return sorted([*here, *away], key=lambda one: (not one.local, one.doing is Doing.AWAY))

    async def pause(self, name: str) -> None:
        """Give one no more jobs until `resume`; it finishes those that it has.

        Raises:
            InvalidRequest: When there is none of that name.
            StorageError: When it can't be stored.
        """
        await self._set_paused(name, True)

    async def resume(self, name: str) -> None:
        """Give one jobs again. Raises as `pause`."""
        await self._set_paused(name, False)

    async def _set_paused(self, name: str, paused: bool) -> None:
        if name not in {worker.name for worker in await self.all()}:
            raise InvalidRequest(say("There's no worker named “{name}”.", name=name))
        await self._table.set_paused(name, paused)
        (self._paused.add if paused else self._paused.discard)(name)
        if name in (state.name for state in self._dispatcher.devices):
            (self._dispatcher.pause if paused else self._dispatcher.resume)(name)
        elif self._cluster is not None:
            (self._cluster.pause if paused else self._cluster.resume)(name)

    async def keep_noting(self) -> None:
        """Note who is here now and then, until cancelled, and then once more."""
        try:
            while True:
                await asyncio.sleep(NOTE_INTERVAL)
                await self._note()
        finally:
            await self._note()

    async def _note(self) -> None:
        states = self._cluster.workers if self._cluster is not None else ()
        seen = [
            SeenWorker(name=one.name, card=one.device, program=one.program, seen_at=one.heard_at)
            for one in states
        ]
        if seen:
            try:
                await self._table.note(seen)
            except StorageError as error:
                log.warning("Who is here couldn't be noted: %s", error)

    def _local(self, pictures: Mapping[str, int]) -> Iterator[Worker]:
        for state in self._dispatcher.devices:
            if state.local:
                paused_here = state.name in self._paused
                yield Worker(
                    name=state.name,
                    local=True,
                    doing=_doing(state),
                    paused_here=paused_here,
                    pause=state.failure or "",
                    pictures_last_day=pictures.get(state.name, 0),
                    seen_at=time.time(),
                    **_load(state),
                )

    def _remote(self, pictures: Mapping[str, int]) -> Iterator[Worker]:
        for one in self._cluster.workers if self._cluster is not None else ():
            yield Worker(
                name=one.name,
                local=False,
                doing=_doing_there(one),
                paused_here=one.paused_here,
                pause=one.pause,
                card=one.device,
                program=one.program,
                pictures_last_day=_of_worker(one.name, pictures),
                seen_at=one.heard_at,
                **_load(one.device_state),
            )

    def _away(self, one: SeenWorker, pictures: Mapping[str, int]) -> Worker:
        return Worker(
            name=one.name,
            local=False,
            doing=Doing.AWAY,
            paused_here=one.name in self._paused,
            card=one.card,
            program=one.program,
            pictures_last_day=_of_worker(one.name, pictures),
            seen_at=one.seen_at,
        )


def _of_worker(name: str, pictures: Mapping[str, int]) -> int:
    """What a worker on another machine has painted, on whatever device."""
    return sum(n for device, n in pictures.items() if device.startswith(f"{name}/"))


def _doing(state: DeviceState) -> Doing:
    if state.lent:
        return Doing.TRAINING
    if state.paused:
        return Doing.PAUSED
    return Doing.PAINTING if state.running else Doing.IDLE


def _doing_there(one: WorkerState) -> Doing:
    if one.device_state is None:
        return Doing.AWAY
    return Doing.PAUSED if one.pause else _doing(one.device_state)


def _load(state: DeviceState | None) -> dict[str, Any]:
    """What a worker says of a device."""
    if state is None:
        return {}
    return {
        "model": state.model,
        "jobs": len(state.running),
        "pictures": sum(job.recipe.count for job in state.running),
        "batch_size": state.batch_size,
        "step_seconds": state.step_seconds,
        "step_size": state.step_size,
    }
