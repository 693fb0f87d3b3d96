"""What the device's own thread runs: take orders, step the batch, report."""

import gc
import logging
import queue
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import torch

from engine.diffusion.devices import Device
from engine.diffusion.families import Family, Row
from engine.diffusion.loading import load
from engine.diffusion.previews import encode_preview
from engine.errors import AtelierError, new_incident
from engine.jobs import Job
from engine.messages import (
    Admit,
    Cancel,
    Dropped,
    Failed,
    Measured,
    Order,
    Painted,
    Pixels,
    Progress,
    Report,
    Stop,
)
from engine.models import Model

log = logging.getLogger(__name__)

PREVIEW_EVERY = 2.0
"""Seconds between two previews of a job."""

PREVIEW_FROM = 3.0
"""Seconds that a job must be expected to take for a preview to be worth it."""


@dataclass(eq=False)
class Sitting:
    """A job in the painter's hands.

    Attributes:
        job: The job.
        rows: One for each picture.
        since: When it was admitted, monotonic seconds.
        previewed: When its last preview was made.
        alone: Whether its rows share no batch, since a batch with them broke.
        pictures: The finished ones, by the row's place.
    """

    job: Job
    rows: Sequence[Row]
    since: float
    previewed: float
    alone: bool = False
    pictures: dict[int, Pixels] = field(default_factory=dict)


class Painter:
    """Owns the device. All of it belongs to the thread that calls `run`."""

    def __init__(
        self,
        device: Device,
        inbox: queue.SimpleQueue[Order],
        report: Callable[[Report], None],
        *,
        batch_size: int,
        previews: bool,
    ) -> None:
        """Prepare a painter; nothing is loaded yet.

        Args:
            device: Where to paint.
            inbox: Where orders come in.
            report: Called from the painter's thread with whatever happens.
            batch_size: The most rows in one step.
            previews: Whether to make previews at all.
        """
        self._inbox = inbox
        self._device = device
        self._batch_size = batch_size
        self._smaller: dict[Hashable, int] = {}
        self._postponed: list[Admit] = []
        self._report = report
        self._previews = previews
        self._model: Model | None = None
        self._family: Family | None = None
        self._sittings: dict[int, Sitting] = {}
        self._last_key: Hashable = None
        self._stopping = False

    @torch.inference_mode()
    def run(self) -> None:
        """Paint until told to stop."""
        while not self._stopping:
            self._take_orders(wait=not self._sittings)
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
            case Admit(job, model):
                self._admit(job, model)
            case Cancel(job_id):
                self._cancel(job_id)
            case Stop():
                self._stopping = True
                for sitting in self._sittings.values():
                    _interrupt(sitting)

    def _admit(self, job: Job, model: Model) -> None:
        try:
            self._load(model)
        except Exception as error:
            self._fail(job, error)
        else:
            self._begin(job)

    def _begin(self, job: Job, *, alone: bool = False) -> None:
        assert self._family is not None, "its model was loaded first"
        try:
            rows = self._family.begin(job.recipe, None)
        except Exception as error:
            self._fail(job, error)
            return
        now = time.monotonic()
        self._sittings[job.id] = Sitting(job, rows, now, now, alone)

    def _load(self, model: Model) -> None:
        """Have `model` on the device; the one before it is let go first."""
        if self._model == model:
            return
        self._family = self._model = None
        gc.collect()
        self._device.release()
        begun = time.monotonic()
        self._family = load(model, self._device)
        self._model = model
        self._report(Measured(model.name, 0, 0, 0, time.monotonic() - begun))

    def _cancel(self, job_id: int) -> None:
        sitting = self._sittings.pop(job_id, None)
        if sitting is not None:
            _interrupt(sitting)
            self._report(Dropped(job_id))

    def _step(self) -> None:
        assert self._family is not None, "a sitting has its model loaded"
        rows = self._next_batch(self._family)
        before = rows[0].step
        begun = time.monotonic()
        failure: Exception | None = None
        try:
            self._family.step(rows, between=self._between_steps)
        except Exception as error:
            # The traceback would keep the tensors of its frames alive.
            failure = error.with_traceback(None) if _out_of_memory(error) else error
        if failure is not None:
            self._recover(rows, failure)
            return
        recipe = rows[0].recipe
        seconds = (time.monotonic() - begun) / max(1, rows[0].step - before)
        self._report(Measured(recipe.model, recipe.width, recipe.height, len(rows), seconds))
        for sitting in list(self._sittings.values()):
            if any(row in rows for row in sitting.rows):
                self._follow_up(sitting, seconds)

    def _next_batch(self, family: Family) -> list[Row]:
        """The rows to step: batches that cannot be merged take turns, older rows go first."""
        groups: dict[Hashable, list[Row]] = {}
        for sitting in self._sittings.values():
            for row in sitting.rows:
                if not row.done:
                    with_whom = sitting.job.id if sitting.alone else None
                    groups.setdefault((with_whom, family.batch_key(row)), []).append(row)
        keys = list(groups)
        turn = keys.index(self._last_key) + 1 if self._last_key in groups else 0
        self._last_key = keys[turn % len(keys)]
        return groups[self._last_key][: self._room(groups[self._last_key][0])]

    def _room(self, row: Row) -> int:
        """How many rows like this one go into a step: fewer once memory has run out."""
        assert self._family is not None
        key = (self._model, self._family.batch_key(row))
        return self._smaller.get(key, self._batch_size)

    def _between_steps(self) -> None:
        """Obey what came in while a family that runs whole is at work; new jobs come after it."""
        while not self._inbox.empty():
            order = self._inbox.get()
            if isinstance(order, Admit):
                self._postponed.append(order)
            else:
                self._obey(order)
        for sitting in self._sittings.values():
            self._tell_progress(sitting, None)

    def _recover(self, rows: Sequence[Row], error: Exception) -> None:
        """A step broke. One job alone has failed; several begin again, each on its own.

        Their seeds are fixed, so those that are sound give the same pictures as before. When
        memory ran out it is the batch that was too large, and it is made smaller first.
        """
        broken = [s for s in self._sittings.values() if any(row in rows for row in s.rows)]
        too_many = _out_of_memory(error) and len(rows) > 1
        if too_many:
            assert self._family is not None
            self._smaller[self._model, self._family.batch_key(rows[0])] = len(rows) // 2
            log.warning("Out of memory with %d pictures at once: now %d", len(rows), len(rows) // 2)
        self._device.release()
        for sitting in broken:
            del self._sittings[sitting.job.id]
            if len(broken) == 1 and not too_many:
                self._fail(sitting.job, error)
            else:
                self._begin(sitting.job, alone=not too_many)

    def _follow_up(self, sitting: Sitting, step_seconds: float) -> None:
        """Decode what is finished and tell how far the job is."""
        assert self._family is not None
        job = sitting.job
        try:
            for i, row in enumerate(sitting.rows):
                if row.done and i not in sitting.pictures and not row.cancelled:
                    image = self._family.finish(row)
                    sitting.pictures[i] = Pixels(*image.size, image.tobytes())
        except Exception as error:
            self._sittings.pop(job.id, None)
            self._fail(job, error)
            return
        if len(sitting.pictures) == len(sitting.rows):
            self._sittings.pop(job.id, None)
            pictures = tuple(sitting.pictures[i] for i in range(len(sitting.rows)))
            self._report(Painted(job.id, pictures))
        elif job.id in self._sittings:
            self._tell_progress(sitting, self._preview(sitting, step_seconds))

    def _tell_progress(self, sitting: Sitting, preview: bytes | None) -> None:
        done = sum(row.step for row in sitting.rows)
        total = sum(row.total_steps for row in sitting.rows)
        self._report(Progress(sitting.job.id, done, total, preview))

    def _preview(self, sitting: Sitting, step_seconds: float) -> bytes | None:
        now = time.monotonic()
        left = max(row.total_steps - row.step for row in sitting.rows) * step_seconds
        expected = now - sitting.since + left
        if not self._previews or expected < PREVIEW_FROM or now - sitting.previewed < PREVIEW_EVERY:
            return None
        assert self._family is not None
        sitting.previewed = now
        try:
            images = [self._family.preview(row) for row in sitting.rows]
            shown = [image for image in images if image is not None]
            return encode_preview(shown) if shown else None
        except Exception:
            # The picture itself may well come out; a preview is not worth losing it.
            log.exception("Job %d has no preview", sitting.job.id)
            return None

    def _fail(self, job: Job, error: Exception) -> None:
        self._report(Failed(job.id, sentence_for(job, error)))


def sentence_for(job: Job, error: Exception) -> str:
    """What to tell people about `error`; whatever is our own fault goes to the log with an id."""
    if isinstance(error, AtelierError):
        return str(error)
    if _out_of_memory(error):
        recipe = job.recipe
        log.error("Job %d does not fit: %s", job.id, error)
        return (
            f"{recipe.width}×{recipe.height} with {recipe.model} does not fit into the memory of "
            "this machine. A smaller size may."
        )
    incident = new_incident()
    log.error("Job %d failed (incident %s)", job.id, incident, exc_info=error)
    return f"The picture could not be painted. The owner finds the reason in the log: {incident}."


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError)


def _interrupt(sitting: Sitting) -> None:
    for row in sitting.rows:
        row.cancelled = True
