"""A worker's side of the cluster: it says hello, asks for work, and tells that it is alive.

The bot decides. Whatever happens to either side or to the network in between, the worker ends up
with the jobs that the bot thinks it has: each second it says which it has, and drops those that the
answer doesn't name.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from engine.cluster.protocol.encoding import other_version
from engine.cluster.protocol.messages import (
    Alive,
    Beat,
    Bye,
    Cancel,
    Forget,
    Hello,
    LoadModel,
    Paint,
    Stranger,
    Unwelcome,
    Welcome,
    WorkOn,
)
from engine.cluster.protocol.parts import CardMemory
from engine.cluster.protocol.subjects import JOBS, to_worker
from engine.cluster.worker.bot_link import BotLink, NoAnswer, OtherVersion
from engine.cluster.worker.lacking import how_to_get
from engine.cluster.worker.models import WorkerModels
from engine.cluster.worker.painting_device import PaintingDevice
from engine.cluster.worker.pausing import Pausing
from engine.devices.messages import ForgetModel, Preload

if TYPE_CHECKING:
    from nats.aio.msg import Msg

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
MEMORY_SECONDS = 5.0
"""Seconds between two signs of life, and between two looks at the devices' memory."""

MOST_TAKEN = 64
"""Pictures for which a worker asks at most: the bot only asks whether it takes any."""

HELLO_SECONDS = 10.0
AGAIN_SECONDS = 2.0
UNWELCOME_SECONDS = 10.0
"""How long to wait before saying hello again, without an answer and after a refusal."""

FETCH_SECONDS = 2.0
"""How long a question for a job waits for one."""


class WorkerAgent:
    """Paints for a bot, meeting after meeting."""

    def __init__(
        self,
        link: BotLink,
        hello: Callable[[], Awaitable[Hello]],
        devices: Sequence[PaintingDevice],
        models: WorkerModels,
        pausing: Pausing,
        changed: asyncio.Event,
    ) -> None:
        """Prepare to work.

        Args:
            link: The line to the bot.
            hello: Makes the message with which this worker introduces itself.
            devices: Where it paints, in the order in which its hello names them.
            models: What it paints with.
            pausing: When it doesn't.
            changed: Set when there may be room for a job, or the connection is back.
        """
        self._link = link
        self._hello = hello
        self._devices = devices
        self._models = models
        self._pausing = pausing
        self._takes = min(MOST_TAKEN, sum(one.device.batch_size for one in devices))
        self._memory: list[CardMemory | None] = []
        self._over = asyncio.Event()
        self._changed = changed
        self._paused: str | None = None

    @property
    def leases(self) -> list[int]:
        """The jobs that this worker has."""
        return [lease for one in self._devices for lease in one.jobs.leases]

    def meet_again(self) -> None:
        """Say hello anew, since what this worker has to say of itself has changed."""
        self._over.set()
        self._changed.set()

    async def run(self) -> None:
        """Work over the link's connection until cancelled; then give back what is there."""
        client = self._link.client
        orders = await client.subscribe(to_worker(self._link.name), cb=self._on_order)
        try:
            while True:
                try:
                    if await self._greet():
                        await self._meet()
                        continue
                except Exception:
                    log.exception("The meeting with the bot failed")
                    self._leave()
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            await self._link.tell(Bye())
            self._leave()
            with contextlib.suppress(Exception):
                await orders.unsubscribe()
                await client.flush(2)

    async def _greet(self) -> bool:
        """Say hello; returns whether the bot takes this worker."""
        self._over.clear()
        hello = await self._hello()
        try:
            answer = await self._link.ask(hello, HELLO_SECONDS)
        except NoAnswer:
            log.info("The bot doesn't answer yet")
            return False
        except OtherVersion as error:
            log.error("%s", other_version(error.version))
            await asyncio.sleep(UNWELCOME_SECONDS)
            return False
        if isinstance(answer, Unwelcome):
            log.error("The bot doesn't take this worker: %s", answer.sentence)
            await asyncio.sleep(UNWELCOME_SECONDS)
            return False
        if not isinstance(answer, Welcome):
            return False
        self._link.epoch = answer.epoch
        log.info("Painting for a bot (Atelier %s)", answer.program)
        for note in answer.notes:
            log.warning("%s", note)
        for model in answer.lacking:
            log.warning("%s", how_to_get(model))
        return True

    async def _meet(self) -> None:
        """Work until the meeting is over."""
        self._paused = None
        async with asyncio.TaskGroup() as group:
            work = [
                group.create_task(each)
                for each in (self._beat(), self._fetch(), self._watch_memory())
            ]
            await self._over.wait()
            for task in work:
                task.cancel()
        self._leave()
        log.info("The bot and this worker begin anew")

    def _leave(self) -> None:
        """The meeting is over; what came of it isn't wanted any more."""
        self._link.epoch = ""
        for one in self._devices:
            one.jobs.drop_all()

    async def _watch_memory(self) -> None:
        """Ask the devices now and then; an answer may take a while, and beats don't wait."""
        while True:
            self._memory = list(await asyncio.gather(*(one.memory() for one in self._devices)))
            await asyncio.sleep(MEMORY_SECONDS)

    async def _beat(self) -> None:
        """Each second, and whenever that changes: what this worker has and takes."""
        while True:
            reason = self._pausing.reason
            if reason is not None and self._paused is None:
                log.info("Paused: %s", reason)
                self._give_back(self.leases, reason)
            elif reason is None and self._paused is not None:
                log.info("Painting again")
            self._paused = reason
            had = self.leases
            beat = Beat(
                takes=0 if reason else self._takes,
                leases=had,
                pause=reason or "",
                memory=self._memory,
                batches=[one.batch for one in self._devices],
            )
            try:
                answer = await self._link.ask(beat)
            except NoAnswer:
                answer = None
            except OtherVersion:
                answer = Stranger()
            if isinstance(answer, Stranger):
                self._over.set()
                return
            if isinstance(answer, Alive) and answer.epoch == self._link.epoch:
                for one in self._devices:
                    one.jobs.drop(set(had) - set(answer.leases))
            await asyncio.sleep(BEAT_SECONDS)

    async def _fetch(self) -> None:
        """Ask for one job after the other, as long as there is room for its pictures.

        A worker that is paused asks too: what was on its way to it is given back.
        """
        from nats.errors import Error

        stream = await self._link.client.jetstream().pull_subscribe_bind(self._link.name, JOBS)
        try:
            while True:
                self._changed.clear()
                if not any(one.has_room for one in self._devices):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), BEAT_SECONDS)
                    continue
                try:
                    [message] = await stream.fetch(1, FETCH_SECONDS)
                    await message.ack()
                except TimeoutError:
                    continue
                except (Error, OSError) as error:
                    log.debug("No job could be fetched: %s", error)
                    await asyncio.sleep(AGAIN_SECONDS)
                    continue
                self._take(message.data)
        finally:
            with contextlib.suppress(Exception):
                await stream.unsubscribe()

    def _take(self, data: bytes) -> None:
        """Take what came through the stream of jobs."""
        try:
            message = self._link.read(data)
        except OtherVersion:
            return
        if isinstance(message, Paint | WorkOn) and (one := self._of(message.number)) is not None:
            one.jobs.admit(message)
            if (reason := self._pausing.reason) is not None:
                self._give_back([message.lease], reason)

    def _of(self, number: int) -> PaintingDevice | None:
        """The device of that number."""
        if number < len(self._devices):
            return self._devices[number]
        self._link.refusals.count("the bot", "another device")
        return None

    def _give_back(self, leases: Iterable[int], reason: str) -> None:
        for one in self._devices:
            one.jobs.give_back(leases, f"paused: {reason}")

    async def _on_order(self, message: "Msg") -> None:
        """Obey what the bot says besides jobs."""
        try:
            order = self._link.read(message.data)
        except OtherVersion:
            return
        if order is None or order.epoch != self._link.epoch:
            return
        if isinstance(order, Bye):
            log.info("The bot stops; this worker waits for it")
            self.meet_again()
        elif isinstance(order, Cancel | LoadModel | Forget):
            self._obey(order)

    def _obey(self, order: Cancel | LoadModel | Forget) -> None:
        if (one := self._of(order.number)) is None:
            return
        match order:
            case Cancel(lease=lease):
                one.jobs.cancel(lease)
            case LoadModel(model=name):
                if (model := self._models.known(name)) is not None:
                    one.device.host.send(Preload(model))
            case Forget(model=name):
                one.device.host.send(ForgetModel(name))
