"""Whose training runs when: one at a time, by turns, beside painting."""

import asyncio
import contextlib
import logging
import time
from pathlib import Path
from typing import Any

from engine.devices.dispatcher import Dispatcher
from engine.errors import AtelierError, InvalidRequest, StorageError
from engine.safety.checker import SafetyChecker
from engine.store import TrainingTable
from engine.tasks import Tasks
from engine.training.events import TrainingEvents
from engine.training.loras import TrainedLoras
from engine.training.messages import Kept, Paused, TrainingFailed, TrainingReport, unexpected
from engine.training.preparation import TrainingPreparation
from engine.training.run_folder import RunFolder
from engine.training.running import Ending, TrainingRun
from engine.training.settings import TrainingSettings
from engine.training.setup import TrainingSetup
from engine.training.training import Training, TrainingState
from speech import say

log = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds between two looks whether a training may start or go on, or has to stop."""

LOOK_AGAIN = 30.0
"""Seconds until it's tried again after the database couldn't be written to."""

MAX_ATTEMPTS = 3
"""Times that a training is begun without coming to a checkpoint."""

PAUSE_SECONDS = 120.0
"""What a training may take to get to a checkpoint while others wait."""


class TrainingSchedule:
    """Runs trainings. Their states are changed under its lock.

    Attributes:
        lock: Held while a state is changed.
        settings: When trainings may run.
        grace: Seconds that one gets to come to a checkpoint when the program is stopped.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        grace: float,
        table: TrainingTable,
        events: TrainingEvents,
        dispatcher: Dispatcher,
        preparation: TrainingPreparation,
        loras: TrainedLoras,
        safety: SafetyChecker,
    ) -> None:
        """Prepare to run trainings; none runs before `start`.

        Args:
            settings: When trainings may run.
            grace: Seconds that one gets to come to a checkpoint when the program is stopped.
            table: The stored trainings.
            events: Where progress is posted.
            dispatcher: Has pictures painted, and lends a device.
            preparation: Tells what trainings are made from.
            loras: Takes what they make.
            safety: Looks at their samples.
        """
        self.lock = asyncio.Lock()
        self.settings = settings
        self.grace = grace
        self._table = table
        self._events = events
        self._dispatcher = dispatcher
        self._preparation = preparation
        self._loras = loras
        self._safety = safety
        self._current: TrainingRun | None = None
        self._shares = False
        self._woken = asyncio.Event()
        self._tasks = Tasks()
        self._stopping = False

    def start(self) -> None:
        """Run what is waiting, and go on with what ran when the program ended."""
        self._tasks.start(self._keep_running(), "run trainings")

    def wake(self) -> None:
        """Look at once whether one may start."""
        self._woken.set()

    async def stop(self) -> None:
        """Run no more: the current one stops at a checkpoint, and goes on after the next start."""
        self._stopping = True
        self.wake()
        if self._current is not None:
            self._current.end(Ending.ASIDE, self.grace)
        await self._tasks.join()
        self._events.close()

    def running(self, training_id: int) -> TrainingRun | None:
        """The run of a training, if it's the one that runs."""
        current = self._current
        return current if current is not None and current.training_id == training_id else None

    async def set(self, training: Training, **values: Any) -> Training:
        """Change a training and show it. Call it with the lock."""
        return self._events.show(await self._table.set(training.id, **values))

    async def _keep_running(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                training = await self._next()
                if training is not None and self._may_run():
                    await self._run(training)
                    continue
                look = None if training is None else LOOK
            except AtelierError as error:  # a full disk, or it was removed just now
                log.warning("Trainings can't go on: %s", error)
                look = LOOK_AGAIN
            except Exception:
                log.exception("Trainings can't go on")
                look = LOOK_AGAIN
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(look):
                    await self._woken.wait()

    async def _next(self) -> Training | None:
        """The one that is to run: what was begun, then of whoever has waited longest for a turn."""
        async with self.lock:
            for interrupted in await self._table.in_states(TrainingState.RUNNING):
                await self.set(interrupted, state=TrainingState.PAUSED, goes_on=True)
        found = await self._table.in_states(TrainingState.WAITING, TrainingState.PAUSED)
        turns = await self._table.last_turns()

        def place(one: Training) -> tuple[bool, float, float]:
            waits = one.state is TrainingState.WAITING
            return waits, turns.get(one.owner, 0.0), one.started_at or 0.0

        return min(filter(_is_ready, found), key=place, default=None)

    def _may_run(self) -> bool:
        idle = self._dispatcher.lending.idle_seconds
        return self._in_hours() and idle > 0 and idle >= self.settings.idle_minutes * 60

    def _in_hours(self) -> bool:
        return self.settings.open_at(time.localtime().tm_hour)

    async def _run(self, training: Training) -> None:
        """Run a training until its process ends, and record how it ended."""
        report: TrainingReport | None = None
        try:
            model = await self._preparation.base(training.model)  # before a device is lent in vain
            self._shares = await self._preparation.shares_device()
            device = None if self._shares else await self._dispatcher.lending.lend()
            setup = self._preparation.setup(training, model, device)
            async with self.lock:
                training = await self._table.get(training.id)
                if _is_ready(training) and self._may_run() and not self._stopping:
                    training = await self._begin(training)
                    self._current = self._make_run(training, setup)
            if self._current is not None:
                report = await self._supervise(self._current)
        except StorageError:
            raise
        except AtelierError as error:
            report = TrainingFailed(error.sentence)
        except Exception:
            report = unexpected(log, "A training")
        finally:
            self._dispatcher.lending.take_back()
        async with self.lock:
            run, self._current = self._current, None
            try:
                await self._record(training.id, run, report)
            finally:
                if run is not None:
                    run.recorded.set()

    async def _begin(self, training: Training) -> Training:
        """Have it be the one that runs. Raises `InvalidRequest` if that was tried in vain."""
        if training.attempts >= MAX_ATTEMPTS:
            raise InvalidRequest(
                say(
                    "The training was broken off {times} times in a row. The log says more; it can "
                    "be resumed from its last checkpoint.",
                    times=training.attempts,
                )
            )
        return await self.set(
            training,
            state=TrainingState.RUNNING,
            goes_on=True,
            attempts=training.attempts + 1,
            ran_at=time.time(),
            error=None,
        )

    def _make_run(self, training: Training, setup: TrainingSetup) -> TrainingRun:
        async def note(step: int) -> None:
            async with self.lock:
                await self._table.set(training.id, step=step, attempts=0)

        async def keep(file: Path, step: int) -> None:
            await self._loras.add(await self._table.get(training.id), file, step)

        return TrainingRun(training, setup, self._events, note, keep, self._safety.worst)

    async def _supervise(self, run: TrainingRun) -> TrainingReport | None:
        ended = asyncio.ensure_future(run.wait())
        while not ended.done():
            if run.ending is None:
                if self._stopping:
                    run.end(Ending.ASIDE, self.grace)
                elif not self._in_hours() or (
                    not self._shares and not self._dispatcher.lending.idle_seconds
                ):
                    run.end(Ending.ASIDE, PAUSE_SECONDS)
            await asyncio.wait([ended], timeout=LOOK)
        return ended.result()

    async def _record(
        self, training_id: int, run: TrainingRun | None, report: TrainingReport | None
    ) -> None:
        """Store how a run has ended, or that it couldn't begin."""
        training = await self._table.get(training_id)
        ending = run.ending if run is not None else None
        match report:
            case _ if ending is Ending.CANCEL:
                await self.give_up(training)
            case Kept(step, file, final=True):
                name = await self._loras.add(training, file)
                await self._end(training, TrainingState.FINISHED, step=step, name=name)
                folder = RunFolder(training.folder)
                done = folder.checkpoint, folder.prior, folder.outside
                await asyncio.to_thread(folder.remove, *done)
            case TrainingFailed(sentence, crashed=False) if ending is None:
                if run is not None or _is_ready(training):
                    await self._end(training, TrainingState.FAILED, error=sentence)
            case _ if run is not None:
                values: dict[str, Any] = {"goes_on": ending is not Ending.BY_HAND}
                if isinstance(report, Paused):
                    values["step"] = report.step
                if ending is not None:
                    values["attempts"] = 0
                await self.set(training, state=TrainingState.PAUSED, **values)

    async def give_up(self, training: Training, **values: Any) -> Training:
        """Have a training that doesn't run be cancelled, without its files; call with the lock.

        What was kept on the way stays. One that never had the device doesn't count as started.
        """
        if training.ran_at is None:
            training = await self._table.set(training.id, started_at=None)
        training = await self._table.remove_pictures(
            training.id, *(picture.number for picture in training.pictures)
        )
        training = await self._end(training, TrainingState.CANCELLED, **values)
        await asyncio.to_thread(_remove_work, training.folder)
        return training

    async def _end(self, training: Training, state: TrainingState, **values: Any) -> Training:
        now = time.time()
        return await self.set(training, state=state, goes_on=False, finished_at=now, **values)


def _is_ready(training: Training) -> bool:
    """Whether it runs as soon as it may."""
    return training.state is TrainingState.WAITING or training.waiting_for_painting


def _remove_work(folder: Path) -> None:
    """Remove everything but LoRAs from the folder of a training. Blocks."""
    work = [path for path in folder.glob("*") if path.suffix != ".safetensors"]
    RunFolder(folder).remove(*work)
    with contextlib.suppress(OSError):  # a LoRA that was kept is in it
        folder.rmdir()
