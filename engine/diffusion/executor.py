"""What the device's own thread runs: take orders, step the batch, report."""

import logging
import queue
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager

import torch
from PIL import Image

from engine.diffusion.device import Device
from engine.diffusion.families import Sample
from engine.diffusion.loader import LoadedModel
from engine.diffusion.model_cache import ModelCache
from engine.diffusion.oom import InitImageOutOfMemory, drop_tracebacks, out_of_memory
from engine.diffusion.running_job import RunningJob, init_image_of, paste_unmasked, sentence_for
from engine.errors import ModelUnavailable
from engine.jobs.job import Job
from engine.jobs.request import Recipe
from engine.memory.plan import Stage
from engine.worker.messages import (
    CancelJob,
    ExecutorCommand,
    ExecutorReport,
    ForgetModel,
    JobDropped,
    JobFailed,
    JobPainted,
    Pixels,
    Preload,
    RunJob,
    StepMeasured,
    StopExecutor,
)
from speech import say

log = logging.getLogger(__name__)


class Executor:
    """Owns the device. All of it belongs to the thread that calls `run`."""

    def __init__(
        self,
        device: Device,
        model_cache: ModelCache,
        inbox: queue.SimpleQueue[ExecutorCommand],
        report: Callable[[ExecutorReport], None],
        *,
        previews: bool,
    ) -> None:
        """Prepare a painter; nothing is loaded yet.

        Args:
            device: Where to paint.
            model_cache: Has the models at hand.
            inbox: Where orders come in.
            report: Called from the painter's thread with whatever happens.
            previews: Whether to make previews at all.
        """
        self._inbox = inbox
        self._device = device
        self._model_cache = model_cache
        self._report = report
        self._previews = previews
        self._postponed: list[RunJob] = []
        self._running_jobs: dict[int, RunningJob] = {}
        self._painting_with: LoadedModel | None = None
        self._last_key: Hashable = None
        self._stopping = False

    @torch.inference_mode()
    def run(self) -> None:
        """Paint until told to stop."""
        self._device.claim()
        while not self._stopping:
            self._take_orders(wait=not self._running_jobs)
            self._begin_anew()
            if self._running_jobs and not self._stopping:
                self._step()

    def _take_orders(self, *, wait: bool) -> None:
        while self._postponed:
            self._obey(self._postponed.pop(0))
            wait = False
        while wait or not self._inbox.empty():
            self._obey(self._inbox.get())
            wait = False

    def _obey(self, order: ExecutorCommand) -> None:
        match order:
            case RunJob():
                self._admit(order)
            case Preload(model):
                self._model_cache.expect(model)
            case ForgetModel(name):
                self._model_cache.forget(name)
            case CancelJob(job_id):
                self._cancel(job_id)
            case StopExecutor():
                self._stopping = True
                for running_job in self._running_jobs.values():
                    running_job.interrupt()

    def _admit(self, order: RunJob) -> None:
        model = order.model

        def loaded_in(seconds: float) -> None:
            self._report(StepMeasured(model.name, 0, 0, 0, seconds))

        try:
            self._model_cache.have(model, loaded_in)
        except Exception as error:
            self._fail(order.job, error)
        else:
            if not self._running_jobs:
                self._painting_with = self._model_cache.loaded
            self._begin(order)

    def _begin(self, order: RunJob, *, alone: bool = False) -> None:
        """Make the job's samples; after running out of memory, again on the next rung."""
        recipe = order.job.recipe
        while True:
            try:
                if not self._running_jobs or self._largest() < recipe.width * recipe.height:
                    self._model_cache.suit(recipe)
                with self._measuring(Stage.ENCODE, recipe):
                    samples = self._loaded.family.begin(recipe, init_image_of(order))
            except Exception as error:
                failure = drop_tracebacks(error)
            else:
                self._running_jobs[order.job.id] = RunningJob(order, samples, alone=alone)
                return
            # Reading a picture takes half of what decoding one takes, and the same rungs help.
            picture = isinstance(failure, InitImageOutOfMemory)
            stage = Stage.DECODE if picture else Stage.ENCODE
            if not (out_of_memory(failure) and self._lowered(stage)):
                self._fail(order.job, failure)
                return

    def _lowered(self, stage: Stage, samples: int = 1) -> bool:
        """Take the next rung down. Whether there is one, and the model has come with it."""
        try:
            return self._model_cache.lower(stage, samples)
        except Exception:
            log.exception("The next rung down could not be taken")
            return False

    def _begin_anew(self) -> None:
        """Begin all jobs again after their model was reloaded: the old one's samples are void."""
        while self._running_jobs and self._model_cache.loaded is not self._painting_with:
            self._painting_with = self._model_cache.loaded
            begun = list(self._running_jobs.values())
            self._running_jobs.clear()
            for running_job in begun:
                if self._model_cache.loaded is None:
                    why = say(
                        "{model} couldn't be reloaded. Try again.",
                        model=running_job.job.recipe.model,
                    )
                    self._fail(running_job.job, ModelUnavailable(why))
                else:
                    self._begin(running_job.order, alone=running_job.alone)

    @contextmanager
    def _measuring(self, stage: Stage, recipe: Recipe) -> Iterator[None]:
        """Measure what a stage takes, if it comes to its end."""
        self._device.begin_measuring()
        begun = time.monotonic()
        yield
        self._loaded.memory.measured(stage, time.monotonic() - begun, 1, recipe)

    def _largest(self) -> int:
        """Pixels of the largest picture in hand."""
        recipes = (running_job.job.recipe for running_job in self._running_jobs.values())
        return max(recipe.width * recipe.height for recipe in recipes)

    @property
    def _loaded(self) -> LoadedModel:
        assert self._model_cache.loaded is not None, "a sitting has its model loaded"
        return self._model_cache.loaded

    def _cancel(self, job_id: int) -> None:
        running_job = self._running_jobs.pop(job_id, None)
        waiting = [order for order in self._postponed if order.job.id == job_id]
        for order in waiting:
            self._postponed.remove(order)
        if running_job is not None:
            running_job.interrupt()
        if running_job is not None or waiting:
            self._report(JobDropped(job_id))

    def _step(self) -> None:
        samples = self._next_batch()
        before = samples[0].step
        begun = time.monotonic()
        failure: Exception | None = None
        try:
            self._device.begin_measuring()
            self._loaded.family.step(samples, on_step_end=self._between_steps)
        except Exception as error:
            failure = drop_tracebacks(error)
        if failure is not None:
            self._recover(samples, failure)
            return
        recipe = samples[0].recipe
        seconds = (time.monotonic() - begun) / max(1, samples[0].step - before)
        self._loaded.memory.measured(Stage.STEP, seconds, len(samples), recipe)
        self._report(StepMeasured(recipe.model, recipe.width, recipe.height, len(samples), seconds))
        for running_job in list(self._running_jobs.values()):
            if set(running_job.samples) & set(samples):
                self._follow_up(running_job, seconds)

    def _next_batch(self) -> list[Sample]:
        """The samples to step: batches that cannot be merged take turns, older samples go first."""
        groups: dict[Hashable, list[Sample]] = {}
        for running_job in self._running_jobs.values():
            for sample in running_job.samples:
                if not sample.done:
                    with_whom = running_job.job.id if running_job.alone else None
                    key = (with_whom, self._loaded.family.batch_key(sample))
                    groups.setdefault(key, []).append(sample)
        keys = list(groups)
        turn = keys.index(self._last_key) + 1 if self._last_key in groups else 0
        self._last_key = keys[turn % len(keys)]
        return groups[self._last_key][: self._loaded.memory.plan.batch]

    def _between_steps(self) -> None:
        """Obey what came in while a family that runs whole is at work; new jobs come after it."""
        while not self._inbox.empty():
            order = self._inbox.get()
            if isinstance(order, RunJob):
                self._postponed.append(order)
            else:
                self._obey(order)
        for running_job in self._running_jobs.values():
            self._report(running_job.progress())

    def _recover(self, samples: Sequence[Sample], error: Exception) -> None:
        """A step broke. One job alone has failed; several begin again, each on its own.

        Their seeds are fixed, so those that are sound give the same pictures as before. When
        memory ran out nobody is to blame: all begin again on the next rung.
        """
        broken = [job for job in self._running_jobs.values() if set(job.samples) & set(samples)]
        lowered = False
        if out_of_memory(error):
            lowered = self._lowered(Stage.STEP, len(samples))
        for running_job in broken:
            del self._running_jobs[running_job.job.id]
        for running_job in broken:
            if lowered or len(broken) > 1:
                self._begin(running_job.order, alone=not lowered)
            else:
                self._fail(running_job.job, error)

    def _follow_up(self, running_job: RunningJob, step_seconds: float) -> None:
        """Decode what is finished and tell how far the job is."""
        job = running_job.job
        for place, sample in running_job.unfinished():
            try:
                image = paste_unmasked(self._finished(sample), running_job.kept)
                running_job.pictures[place] = Pixels(*image.size, image.tobytes())
            except Exception as error:
                self._running_jobs.pop(job.id, None)
                self._fail(job, drop_tracebacks(error))
                return
        if running_job.finished:
            self._running_jobs.pop(job.id, None)
            pictures = tuple(picture for _, picture in sorted(running_job.pictures.items()))
            self._report(JobPainted(job.id, pictures))
        elif job.id in self._running_jobs:
            preview = None
            if self._previews:
                preview = running_job.preview(self._loaded.family, step_seconds)
            self._report(running_job.progress(preview))

    def _finished(self, sample: Sample) -> Image.Image:
        """The decoded sample; after running out of memory, again on the next rung."""
        while True:
            try:
                with self._measuring(Stage.DECODE, sample.recipe):
                    image = self._loaded.family.finish(sample)
            except Exception as error:
                if not out_of_memory(error):
                    raise
                failure = drop_tracebacks(error)
            else:
                return image
            if not self._lowered(Stage.DECODE):
                raise failure

    def _fail(self, job: Job, error: Exception) -> None:
        fits = None
        if out_of_memory(error) and self._model_cache.loaded is not None:
            fits = self._model_cache.loaded.memory.what_would_fit()
        self._report(JobFailed(job.id, sentence_for(job, error, fits)))
