"""Everything that paints for this bot, by name: its own devices and workers on other machines."""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.cluster.bot.cluster import Cluster
from engine.cluster.bot.worker_state import WorkerState
from engine.devices.attached_device import DeviceState
from engine.devices.dispatcher import Dispatcher
from engine.errors import InvalidRequest, StorageError
from engine.memory.device import DeviceMemory
from engine.store import SeenWorker, WorkerTable
from speech import say

log = logging.getLogger(__name__)

KEPT = 30 * 24 * 3600.0
"""Seconds for which a worker that doesn't come back is listed."""

MEMORY_SECONDS = 1.0
"""How long a device may take to tell of its memory; what it told before is shown otherwise."""

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
        memory: How much is taken of the memory of each of its devices that tell.
        program: Its version of the program; empty for this machine's.
        lacking: The names of the bot's models that it lacks.
        model: The model in use, or used last; several devices may have several.
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
    memory: tuple[DeviceMemory, ...] = ()
    lacking: tuple[str, ...] = ()
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
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MEMORY_SECONDS):
                await self._dispatcher.memory()
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
            SeenWorker(
                name=one.name, card=_cards(one.cards), program=one.program, seen_at=one.heard_at
            )
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
                    **_load([state]),
                )

    def _remote(self, pictures: Mapping[str, int]) -> Iterator[Worker]:
        for one in self._cluster.workers if self._cluster is not None else ():
            yield Worker(
                name=one.name,
                local=False,
                doing=_doing_there(one),
                paused_here=one.paused_here,
                pause=one.pause,
                card=_cards(one.cards),
                lacking=one.lacking,
                program=one.program,
                pictures_last_day=_of_worker(one.name, pictures),
                seen_at=one.heard_at,
                **_load(one.devices),
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
    if not one.devices:
        return Doing.AWAY
    if one.pause or one.paused_here:
        return Doing.PAUSED
    return Doing.PAINTING if any(device.running for device in one.devices) else Doing.IDLE


def _cards(names: Sequence[str]) -> str:
    """Devices by name, equal ones counted."""
    return ", ".join(f"{n} × {name}" if n > 1 else name for name, n in Counter(names).items())


def _load(states: Sequence[DeviceState]) -> dict[str, Any]:
    """What a worker says of its devices; the speed is that of one that has painted."""
    if not states:
        return {}
    running = [job for state in states for job in state.running]
    known = next((state for state in states if state.step_seconds is not None), states[0])
    return {
        "model": ", ".join(sorted({state.model for state in states if state.model})) or None,
        "memory": tuple(state.memory for state in states if state.memory),
        "jobs": len(running),
        "pictures": sum(job.recipe.count for job in running),
        "batch_size": sum(state.batch_size for state in states),
        "step_seconds": known.step_seconds,
        "step_size": known.step_size,
    }
