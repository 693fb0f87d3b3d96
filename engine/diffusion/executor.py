"""What the device's own thread runs: take orders, step the batch, report."""

import logging
import queue
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager

import torch
from PIL import Image

from engine.diffusion.model_cache import Bench
from engine.diffusion.device import Device
from engine.diffusion.oom import PictureOutOfMemory, let_go, out_of_memory
from engine.diffusion.families import Row
from engine.diffusion.loader import Loaded
from engine.diffusion.running_job import Sitting, sentence_for, start_of, with_the_kept
from engine.errors import ModelUnavailable
from engine.jobs.job import Job
from engine.memory.plan import Stage
from engine.worker.messages import (
    Admit,
    Cancel,
    Dropped,
    Expect,
    Failed,
    Forget,
    Measured,
    Order,
    Painted,
    Pixels,
    Report,
    Stop,
)
from engine.jobs.request import Recipe
from speech import say

log = logging.getLogger(__name__)


class Painter:
    """Owns the device. All of it belongs to the thread that calls `run`."""

    def __init__(
        self,
        device: Device,
        bench: Bench,
        inbox: queue.SimpleQueue[Order],
        report: Callable[[Report], None],
        *,
        previews: bool,
    ) -> None:
        """Prepare a painter; nothing is loaded yet.

        Args:
            device: Where to paint.
            bench: Has the models at hand.
            inbox: Where orders come in.
            report: Called from the painter's thread with whatever happens.
            previews: Whether to make previews at all.
        """
        self._inbox = inbox
        self._device = device
        self._bench = bench
        self._report = report
        self._previews = previews
        self._postponed: list[Admit] = []
        self._sittings: dict[int, Sitting] = {}
        self._painting_with: Loaded | None = None
        self._last_key: Hashable = None
        self._stopping = False

    @torch.inference_mode()
    def run(self) -> None:
        """Paint until told to stop."""
        self._device.claim()
        while not self._stopping:
            self._take_orders(wait=not self._sittings)
            self._begin_anew()
            if self._sittings and not self._stopping:
                self._step()

    def _take_orders(self, *, wait: bool) -> None:
        while self._postponed:
            self._obey(self._postponed.pop(0))
            wait = False
        while wait or not self._inbox.empty():
            self._obey(self._inbox.get())
            wait = False

    def _obey(self, order: Order) -> None:
        match order:
            case Admit():
                self._admit(order)
            case Expect(model):
                self._bench.expect(model)
            case Forget(name):
                self._bench.forget(name)
            case Cancel(job_id):
                self._cancel(job_id)
            case Stop():
                self._stopping = True
                for sitting in self._sittings.values():
                    sitting.interrupt()

    def _admit(self, order: Admit) -> None:
        model = order.model

        def loaded_in(seconds: float) -> None:
            self._report(Measured(model.name, 0, 0, 0, seconds))

        try:
            self._bench.have(model, loaded_in)
        except Exception as error:
            self._fail(order.job, error)
        else:
            if not self._sittings:
                self._painting_with = self._bench.loaded
            self._begin(order)

    def _begin(self, order: Admit, *, alone: bool = False) -> None:
        """Make the job's rows; after running out of memory, again on the next rung."""
        recipe = order.job.recipe
        while True:
            try:
                if not self._sittings or self._largest() < recipe.width * recipe.height:
                    self._bench.suit(recipe)
                with self._measuring(Stage.ENCODE, recipe):
                    rows = self._loaded.family.begin(recipe, start_of(order))
            except Exception as error:
                failure = let_go(error)
            else:
                self._sittings[order.job.id] = Sitting(order, rows, alone=alone)
                return
            # Reading a picture takes half of what decoding one takes, and the same rungs help.
            picture = isinstance(failure, PictureOutOfMemory)
            stage = Stage.DECODE if picture else Stage.ENCODE
            if not (out_of_memory(failure) and self._lowered(stage)):
                self._fail(order.job, failure)
                return

    def _lowered(self, stage: Stage, rows: int = 1) -> bool:
        """Take the next rung down. Whether there is one, and the model has come with it."""
        try:
            return self._bench.lower(stage, rows)
        except Exception:
            log.exception("The next rung down could not be taken")
            return False

    def _begin_anew(self) -> None:
        """Begin all jobs again whose model had to be loaded anew: their rows were the old one's."""
        while self._sittings and self._bench.loaded is not self._painting_with:
            self._painting_with = self._bench.loaded
            begun = list(self._sittings.values())
            self._sittings.clear()
            for sitting in begun:
                if self._bench.loaded is None:
                    why = say(
                        "{model} could not be loaded anew: ask again.",
                        model=sitting.job.recipe.model,
                    )
                    self._fail(sitting.job, ModelUnavailable(why))
                else:
                    self._begin(sitting.order, alone=sitting.alone)

    @contextmanager
    def _measuring(self, stage: Stage, recipe: Recipe) -> Iterator[None]:
        """Measure what a stage takes, if it comes to its end."""
        self._device.begin_measuring()
        begun = time.monotonic()
        yield
        self._loaded.memory.measured(stage, time.monotonic() - begun, 1, recipe)

    def _largest(self) -> int:
        """Pixels of the largest picture in hand."""
        recipes = (sitting.job.recipe for sitting in self._sittings.values())
        return max(recipe.width * recipe.height for recipe in recipes)

    @property
    def _loaded(self) -> Loaded:
        assert self._bench.loaded is not None, "a sitting has its model loaded"
        return self._bench.loaded

    def _cancel(self, job_id: int) -> None:
        sitting = self._sittings.pop(job_id, None)
        waiting = [order for order in self._postponed if order.job.id == job_id]
        for order in waiting:
            self._postponed.remove(order)
        if sitting is not None:
            sitting.interrupt()
        if sitting is not None or waiting:
            self._report(Dropped(job_id))

    def _step(self) -> None:
        rows = self._next_batch()
        before = rows[0].step
        begun = time.monotonic()
        failure: Exception | None = None
        try:
            self._device.begin_measuring()
            self._loaded.family.step(rows, between=self._between_steps)
        except Exception as error:
            failure = let_go(error)
        if failure is not None:
            self._recover(rows, failure)
            return
        recipe = rows[0].recipe
        seconds = (time.monotonic() - begun) / max(1, rows[0].step - before)
        self._loaded.memory.measured(Stage.STEP, seconds, len(rows), recipe)
        self._report(Measured(recipe.model, recipe.width, recipe.height, len(rows), seconds))
        for sitting in list(self._sittings.values()):
            if any(row in rows for row in sitting.rows):
                self._follow_up(sitting, seconds)

    def _next_batch(self) -> list[Row]:
        """The rows to step: batches that cannot be merged take turns, older rows go first."""
        groups: dict[Hashable, list[Row]] = {}
        for sitting in self._sittings.values():
            for row in sitting.rows:
                if not row.done:
                    with_whom = sitting.job.id if sitting.alone else None
                    key = (with_whom, self._loaded.family.batch_key(row))
                    groups.setdefault(key, []).append(row)
        keys = list(groups)
        turn = keys.index(self._last_key) + 1 if self._last_key in groups else 0
        self._last_key = keys[turn % len(keys)]
        return groups[self._last_key][: self._loaded.memory.plan.batch]

    def _between_steps(self) -> None:
        """Obey what came in while a family that runs whole is at work; new jobs come after it."""
        while not self._inbox.empty():
            order = self._inbox.get()
            if isinstance(order, Admit):
                self._postponed.append(order)
            else:
                self._obey(order)
        for sitting in self._sittings.values():
            self._report(sitting.progress())

    def _recover(self, rows: Sequence[Row], error: Exception) -> None:
        """A step broke. One job alone has failed; several begin again, each on its own.

        Their seeds are fixed, so those that are sound give the same pictures as before. When
        memory ran out nobody is to blame: all begin again on the next rung.
        """
        broken = [s for s in self._sittings.values() if any(row in rows for row in s.rows)]
        lowered = False
        if out_of_memory(error):
            lowered = self._lowered(Stage.STEP, len(rows))
        for sitting in broken:
            del self._sittings[sitting.job.id]
        for sitting in broken:
            if lowered or len(broken) > 1:
                self._begin(sitting.order, alone=not lowered)
            else:
                self._fail(sitting.job, error)

    def _follow_up(self, sitting: Sitting, step_seconds: float) -> None:
        """Decode what is finished and tell how far the job is."""
        job = sitting.job
        for place, row in sitting.unfinished():
            try:
                image = with_the_kept(self._finished(row), sitting.kept)
                sitting.pictures[place] = Pixels(*image.size, image.tobytes())
            except Exception as error:
                self._sittings.pop(job.id, None)
                self._fail(job, let_go(error))
                return
        if sitting.finished:
            self._sittings.pop(job.id, None)
            pictures = tuple(sitting.pictures[place] for place in range(len(sitting.rows)))
            self._report(Painted(job.id, pictures))
        elif job.id in self._sittings:
            preview = None
            if self._previews:
                preview = sitting.preview(self._loaded.family, step_seconds)
            self._report(sitting.progress(preview))

    def _finished(self, row: Row) -> Image.Image:
        """The decoded row; after running out of memory, again on the next rung."""
        while True:
            try:
                with self._measuring(Stage.DECODE, row.recipe):
                    image = self._loaded.family.finish(row)
            except Exception as error:
                if not out_of_memory(error):
                    raise
                failure = let_go(error)
            else:
                return image
            if not self._lowered(Stage.DECODE):
                raise failure

    def _fail(self, job: Job, error: Exception) -> None:
        fits = None
        if out_of_memory(error) and self._bench.loaded is not None:
            fits = self._bench.loaded.memory.what_would_fit()
        self._report(Failed(job.id, sentence_for(job, error, fits)))
