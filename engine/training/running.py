"""One run of a training's process: what it reports is shown, and how it ends is told."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from engine.errors import StorageError
from engine.safety.verdict import SafetyVerdict, badness
from engine.tasks import Tasks
from engine.training.charts import draw_losses, draw_samples, latest, rows_of
from engine.training.events import TrainingEvents
from engine.training.messages import (
    Finish,
    Keep,
    Kept,
    Pause,
    Paused,
    Preparing,
    Sampled,
    Trained,
    TrainingFailed,
    TrainingReport,
)
from engine.training.run_folder import RunFolder
from engine.training.runner import start_runner
from engine.training.setup import TrainingSetup
from engine.training.training import Training

log = logging.getLogger(__name__)

PLOT_EVERY = 15.0
"""Seconds between two plots of the losses."""

TIMED = 50
"""Steps from whose times the time left is told."""


class Ending(IntEnum):
    """Why a run is ended before it's done; a higher one goes before a lower one."""

    ASIDE = 1
    """Somebody waits for pictures, the hours are over, or the program stops: it goes on."""
    BY_HAND = 2
    """It was paused, and goes on when it's told to."""
    CANCEL = 3
    """It was given up."""


class TrainingRun:
    """Runs a training until its process ends.

    Attributes:
        training_id: Of the training.
        step: Steps that are done, also those after the latest checkpoint.
        ending: Why it was ended before it's done, if it was.
        recorded: Set once it's stored how it ended, or that has failed.
    """

    def __init__(
        self,
        training: Training,
        setup: TrainingSetup,
        events: TrainingEvents,
        on_checkpoint: Callable[[int], Coroutine[Any, Any, None]],
        on_kept: Callable[[Path, int], Coroutine[Any, Any, None]],
        look: Callable[[Sequence[Path]], Coroutine[Any, Any, SafetyVerdict | None]],
    ) -> None:
        """Start the process; call it in the event loop.

        Args:
            training: As it is now.
            setup: What it's made from.
            events: Where its progress is posted.
            on_checkpoint: Called with the steps of each regular checkpoint.
            on_kept: Called with each LoRA that is written on the way, and its steps.
            look: Has the safety checker look at new samples before they are shown.
        """
        self._setup, self._events = setup, events
        self._folder = RunFolder(setup.folder)
        self._losses: list[float] = self._folder.read_losses()
        self._seconds: deque[float] = deque(maxlen=TIMED)
        self._plotted_at = time.monotonic()
        self._on_checkpoint, self._on_kept, self._look = on_checkpoint, on_kept, look
        self._drawing = asyncio.Lock()
        self._looked_at: set[int] = set()
        self._tasks = Tasks()
        self._last: TrainingReport | None = None
        events.show(
            training,
            samples=if_there(self._folder.sheet),
            verdict=self._folder.read_verdict(),
            plot=if_there(self._folder.plot),
            seconds_left=None,
            preparing=None,
        )
        self.training_id, self.step = training.id, training.step
        self.ending: Ending | None = None
        self.recorded = asyncio.Event()
        self._runner = start_runner(setup, self._take)

    async def wait(self) -> TrainingReport | None:
        """Until the process has ended; its last word, if it had one."""
        await self._runner.wait()
        await self._tasks.join()
        await self._draw_losses()
        last = self._last
        return last if isinstance(last, Kept | Paused | TrainingFailed) else None

    def end(self, ending: Ending, seconds: float) -> None:
        """End it at a checkpoint, or at once if it takes too long or has nothing to lose.

        Args:
            ending: Why.
            seconds: What it may take to get to a checkpoint.
        """
        first = self.ending is None
        self.ending = max(ending, self.ending or ending)
        if ending is Ending.CANCEL or not self._seconds or seconds <= 0:
            self._tasks.start(self._runner.kill(), "kill a training")
        else:
            if first:
                self._runner.send(Pause())
            self._tasks.start(self._kill_after(seconds), "end a training")

    def finish(self) -> None:
        """End it now, with its LoRA as it is."""
        self._runner.send(Finish())

    def keep(self) -> None:
        """Have it write its LoRA as it is now, and go on."""
        self._runner.send(Keep())

    async def _kill_after(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._runner.wait()
        except TimeoutError:
            log.warning("A training didn't get to a checkpoint in time, and goes on from its last")
            await self._runner.kill()

    def _take(self, report: TrainingReport) -> None:
        self._last = report
        match report:
            case Preparing(done, total):
                self._events.progress(self.training_id, preparing=(done, total))
            case Trained():
                self._take_step(report)
            case Sampled(step):
                self._tasks.start(self._draw_samples(step), "draw samples")
            case Kept(step, file, final=False):
                self._tasks.start(self._on_kept(file, step), "keep a LoRA")

    def _take_step(self, report: Trained) -> None:
        request, self.step = self._setup.request, report.step
        self._seconds.append(report.seconds)
        del self._losses[self.step - 1 :]
        self._losses.append(report.loss)
        mean = sum(self._seconds) / len(self._seconds)
        self._events.progress(
            self.training_id,
            self.step,
            loss=latest(self._losses),
            seconds_left=mean * (request.steps - self.step),
            preparing=None,
        )
        if self.step % request.checkpoint_every == 0:
            self._tasks.start(self._on_checkpoint(self.step), "note a checkpoint")
        if time.monotonic() - self._plotted_at > PLOT_EVERY:
            self._plotted_at = time.monotonic()
            self._tasks.start(self._draw_losses(), "draw losses")

    async def _draw_losses(self) -> None:
        await self._draw(self._folder.plot, draw_losses, tuple(self._losses))
        self._events.progress(self.training_id, plot=if_there(self._folder.plot))

    async def _draw_samples(self, step: int) -> None:
        """Draw the sheet up to a step, once the safety checker has seen what is new on it.

        Samples of an earlier run are new, too: it may have ended before they were looked at.
        """
        folder, prompts = self._folder, len(self._setup.request.sample_prompts)
        async with self._drawing:
            rows = rows_of([each for each in folder.sampled_steps() if each <= step])
            new = [row for row in rows if row not in self._looked_at]
            numbers = range(1, prompts + 1)
            verdict = await self._checked(
                [folder.sample(row, number) for row in new for number in numbers]
            )
            self._looked_at.update(new)
            self._events.progress(self.training_id, verdict=verdict)  # before they can be read
            await self._draw(folder.sheet, draw_samples, folder, rows, prompts)
        self._events.progress(self.training_id, samples=if_there(folder.sheet))

    async def _checked(self, files: Sequence[Path]) -> SafetyVerdict | None:
        """The worst verdict on the samples so far."""
        found = [self._folder.read_verdict(), await self._look(files)]
        verdict = max(filter(None, found), key=badness, default=None)
        if verdict is not None:
            await asyncio.to_thread(self._folder.write_verdict, verdict)
        return verdict

    async def _draw(
        self, file: Path, draw: Callable[..., bytes | None], *arguments: object
    ) -> None:
        """Draw a picture into a file; one that can't be written is left out."""
        try:
            if (data := await asyncio.to_thread(draw, *arguments)) is not None:
                await asyncio.to_thread(self._folder.write, file, data)
        except StorageError as error:
            log.warning("A picture of a training can't be kept: %s", error)


def if_there(file: Path) -> Path | None:
    """The file, if it is there."""
    return file if file.exists() else None
