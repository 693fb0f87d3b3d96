"""The executor, which the device's thread runs: take commands, step the batch, report."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from PIL import Image

from engine.devices.blame import BlameFile
from engine.devices.executor_setup import FindNetwork, network_on_disk
from engine.devices.messages import (
    CancelJob,
    CommandQueue,
    ExecutorCommand,
    ExecutorReport,
    ForgetModel,
    JobDropped,
    JobFailed,
    JobPainted,
    Pixels,
    Preload,
    ProcessPicture,
    RunJob,
    StopExecutor,
)
from engine.diffusion.batches import Batches
from engine.diffusion.device import Device
from engine.diffusion.families import Sample
from engine.diffusion.loader import LoadedModel
from engine.diffusion.model_cache import ModelCache
from engine.diffusion.networks import NetworkRunner
from engine.diffusion.oom import (
    InitImageOutOfMemory,
    drop_tracebacks,
    out_of_memory,
    out_of_ram,
)
from engine.diffusion.overflow import NumbersOverflowed
from engine.diffusion.running_job import (
    RunningJob,
    control_of,
    failure_sentence,
    init_image_of,
    paste_unmasked,
    references_of,
    with_surroundings,
)
from engine.diffusion.step_timer import StepTimer
from engine.errors import ModelUnavailable
from engine.jobs.job import Job
from engine.jobs.recipe import Recipe
from engine.memory.plan import Stage
from speech import say

log = logging.getLogger(__name__)


class Executor:
    """Uses the device. It belongs to the thread that calls `run`."""

    def __init__(
        self,
        device: Device,
        model_cache: ModelCache,
        commands: CommandQueue,
        report: Callable[[ExecutorReport], None],
        *,
        previews: bool,
        blame: BlameFile | None = None,
        find_network: FindNetwork = network_on_disk,
    ) -> None:
        """Prepare to run; nothing is loaded yet.

        Args:
            device: Where to paint.
            model_cache: The models in memory.
            commands: Where commands come in.
            report: Called on this thread with everything that happens.
            previews: Whether to make previews.
            blame: Where the jobs that it is busy with are recorded.
            find_network: Finds the files of networks that work on finished pictures.
        """
        self._commands = commands
        self._device = device
        self._model_cache = model_cache
        self._report = report
        self._previews = previews
        self._blame = blame or BlameFile()
        self._networks = NetworkRunner(device, find_network, report, model_cache.step_aside)
        self._deferred: list[RunJob | ProcessPicture] = []
        self._running_jobs: dict[int, RunningJob] = {}
        self._model_in_use: object = None
        self._timer = StepTimer(device.name)
        self._batches = Batches(report)
        self._stopping = False

    @torch.inference_mode()
    def run(self) -> None:
        """Run jobs until told to stop."""
        self._device.select()
        while not self._stopping:
            busy = bool(self._running_jobs) or self._networks.busy
            if not busy and not self._deferred:
                self._blame.record(())
                self._improve(idle=self._commands.empty())
            self._take_commands(wait=not busy)
            self._restart_jobs()
            if self._networks.busy and not self._stopping:
                self._blame.record([self._networks.job_id])
                self._networks.step()
            if self._running_jobs and not self._networks.alone and not self._stopping:
                self._step()
                self._improve(idle=False)
        self._model_cache.stop_improving()

    def _improve(self, *, idle: bool) -> None:
        loaded = self._model_cache.loaded
        if loaded is not None and loaded.acceleration is not None:
            loaded.acceleration.improve(idle=idle)

    def _take_commands(self, *, wait: bool) -> None:
        while self._deferred:
            self._execute(self._deferred.pop(0))
            wait = False
        while wait or not self._commands.empty():
            self._execute(self._commands.get())
            wait = False

    def _execute(self, command: ExecutorCommand) -> None:
        match command:
            case RunJob():
                self._admit(command)
            case ProcessPicture(job):
                self._blame.record([job.id])
                self._networks.begin(command)
            case Preload(model):
                self._model_cache.preload(model)
            case ForgetModel(name):
                self._model_cache.forget(name)
            case CancelJob(job_id):
                self._cancel(job_id)
            case StopExecutor():
                self._stopping = True
                for running_job in self._running_jobs.values():
                    running_job.interrupt()

    def _admit(self, command: RunJob) -> None:
        self._blame.record([command.job.id])
        try:
            self._model_cache.get(command.model)
        except Exception as error:
            self._fail(command.job, error)
        else:
            if not self._running_jobs:
                self._model_in_use = self._identity
            self._begin(command, alone=command.alone)

    def _begin(self, command: RunJob, *, alone: bool = False) -> None:
        """Make the job's samples; after running out of memory, again under the next plan."""
        self._blame.record([command.job.id])
        recipe = command.job.recipe
        while True:
            try:
                self._loaded.family.load_adapters(recipe)
                self._timer.finish()
                self._model_cache.plan_for(self._largest(recipe), idle=not self._running_jobs)
                with self._measuring(Stage.ENCODE, recipe):
                    pictures = (
                        init_image_of(command),
                        references_of(command),
                        control_of(command),
                    )
                    samples = self._loaded.family.begin(recipe, *pictures)
            except Exception as error:
                failure = drop_tracebacks(error)
            else:
                self._running_jobs[command.job.id] = RunningJob(command, samples, alone=alone)
                return
            # Encoding an image takes half of what decoding one takes, and the same plans help.
            init_image = isinstance(failure, InitImageOutOfMemory)
            stage = Stage.DECODE if init_image else Stage.ENCODE
            if not self._changed_plan(failure, stage):
                self._fail(command.job, failure)
                return

    def _changed_plan(self, error: Exception, stage: Stage, batch: int = 1) -> bool:
        """Switch to a plan that may not fail like the one in use; returns whether that worked.

        After running out of memory it's the next one down, after an overflow one in a wider type.
        If RAM ran out beside a card, plans for the card don't help, but the models in RAM can go.
        """
        self._timer.forget()
        try:
            if isinstance(error, NumbersOverflowed):
                return self._model_cache.widen(error.stage)
            if self._out_of_ram_alone(error):
                return self._model_cache.free_ram()
            return out_of_memory(error) and self._model_cache.fall_back(stage, batch)
        except Exception:
            log.exception("Another plan could not be applied")
            return False

    def _out_of_ram_alone(self, error: Exception) -> bool:
        """Whether RAM ran out beside a device with memory of its own, which is not to blame."""
        return self._device.has_own_memory and out_of_ram(error)

    def _restart_jobs(self) -> None:
        """Begin all jobs again after their model was reloaded: their samples are the old one's."""
        while self._running_jobs and self._identity is not self._model_in_use:
            self._model_in_use = self._identity
            interrupted = list(self._running_jobs.values())
            self._running_jobs.clear()
            for running_job in interrupted:
                if self._model_cache.loaded is None:
                    sentence = say(
                        "{model} couldn't be reloaded. Try again.",
                        model=running_job.job.recipe.model,
                    )
                    self._fail(running_job.job, ModelUnavailable(sentence))
                else:
                    self._begin(running_job.command, alone=running_job.alone)

    @contextmanager
    def _measuring(self, stage: Stage, recipe: Recipe) -> Iterator[None]:
        """Measure what a stage takes, unless it fails."""
        begun = time.monotonic()
        yield
        usage = self._loaded.components.take_usage(stage)
        self._loaded.memory.record(stage, time.monotonic() - begun, 1, recipe, usage)

    def _largest(self, recipe: Recipe) -> Recipe:
        """That with the largest pictures among `recipe` and those of the running jobs.

        It has as many references as any of them, and guidance if any has.
        """
        recipes = [running_job.job.recipe for running_job in self._running_jobs.values()]
        recipes.append(recipe)
        largest = max(recipes, key=lambda each: each.width * each.height)
        most = max(recipes, key=lambda each: each.pictures_beside)
        return replace(
            largest,
            references=most.references,
            reference_uses=most.reference_uses,
            guidance_scale=max(each.guidance_scale for each in recipes),
        )

    @property
    def _identity(self) -> object:
        """That of the model in use, which isn't kept: its weights are gone before others come."""
        loaded = self._model_cache.loaded
        return None if loaded is None else loaded.identity

    @property
    def _loaded(self) -> LoadedModel:
        assert self._model_cache.loaded is not None, "a running job has its model loaded"
        return self._model_cache.loaded

    def _cancel(self, job_id: int) -> None:
        if self._networks.cancel(job_id):
            return
        running_job = self._running_jobs.pop(job_id, None)
        deferred = [command for command in self._deferred if command.job.id == job_id]
        for command in deferred:
            self._deferred.remove(command)
        if running_job is not None:
            running_job.interrupt()
        if running_job is not None or deferred:
            self._report(JobDropped(job_id))

    def _step(self) -> None:
        samples = self._batches.next(self._running_jobs.values(), self._loaded)
        self._blame.record(self._jobs_of(samples))
        before = samples[0].step
        failure: Exception | None = None
        try:
            with self._timer.timing():
                self._loaded.family.step(samples, on_step_end=self._between_steps)
        except Exception as error:
            failure = drop_tracebacks(error)
        if failure is not None:
            self._recover(samples, failure)
            return
        self._timer.count(self._loaded, samples, samples[0].step - before)
        for running_job in list(self._running_jobs.values()):
            if self._model_cache.loaded is None:
                return  # the jobs left fail with their model
            if any(sample in samples for sample in running_job.samples):
                self._finish_samples(running_job)
        if not self._running_jobs:
            self._timer.finish()

    def _jobs_of(self, samples: Sequence[Sample]) -> list[int]:
        """The numbers of the jobs that the samples belong to."""
        return [
            job_id
            for job_id, running_job in self._running_jobs.items()
            if any(sample in samples for sample in running_job.samples)
        ]

    def _between_steps(self) -> None:
        """Execute what came in while a family runs whole; new jobs are deferred until it ends."""
        while not self._commands.empty():
            command = self._commands.get()
            if isinstance(command, RunJob | ProcessPicture):
                self._deferred.append(command)
            else:
                self._execute(command)
        for running_job in self._running_jobs.values():
            self._report_progress(running_job)

    def _recover(self, samples: Sequence[Sample], error: Exception) -> None:
        """A step failed. A single job fails with it; several begin again, each on its own.

        Their seeds are fixed, so those that work give the same pictures as before. When memory ran
        out or numbers overflowed no job is to blame: all begin again under another plan.
        """
        affected = [
            running_job
            for running_job in self._running_jobs.values()
            if any(sample in samples for sample in running_job.samples)
        ]
        changed_plan = self._changed_plan(error, Stage.STEP, len(samples))
        for running_job in affected:
            del self._running_jobs[running_job.job.id]
        for running_job in affected:
            if changed_plan or len(affected) > 1:
                self._begin(running_job.command, alone=not changed_plan)
            else:
                self._fail(running_job.job, error)

    def _finish_samples(self, running_job: RunningJob) -> None:
        """Decode what is done and report the job's progress."""
        job = running_job.job
        for number, sample in running_job.undecoded():
            self._blame.record([job.id])
            try:
                image = paste_unmasked(self._decoded(sample), running_job.masked_image)
                image = with_surroundings(image, running_job.command)
                running_job.pictures[number] = Pixels.of(image)
            except Exception as error:
                self._running_jobs.pop(job.id, None)
                self._fail(job, drop_tracebacks(error))
                return
        if running_job.finished:
            self._running_jobs.pop(job.id, None)
            pictures = tuple(running_job.pictures[n] for n in range(len(running_job.samples)))
            self._loaded.memory.count_painted()
            if any(any(pixels.data) for pixels in pictures):
                self._loaded.memory.confirm()
            self._report(JobPainted(job.id, pictures))
        elif job.id in self._running_jobs:
            self._report_progress(running_job)

    def _report_progress(self, running_job: RunningJob) -> None:
        preview = self._preview(running_job)
        self._report(running_job.progress(preview, self._timer.seconds))

    def _preview(self, running_job: RunningJob) -> bytes | None:
        """Its pictures in progress, if previews are made and one is due."""
        if not self._previews:
            return None
        return running_job.preview(self._loaded.family, self._timer.seconds)

    def _decoded(self, sample: Sample) -> Image.Image:
        """The decoded sample; after running out of memory or an overflow, under another plan."""
        while True:
            try:
                with self._measuring(Stage.DECODE, sample.recipe):
                    image = self._loaded.family.finish(sample)
            except Exception as error:
                failure = drop_tracebacks(error)
            else:
                return image
            if not self._changed_plan(failure, Stage.DECODE):
                raise failure

    def _fail(self, job: Job, error: Exception) -> None:
        fits = None
        is_loaded = self._model_cache.loaded is not None
        if is_loaded and out_of_memory(error) and not self._out_of_ram_alone(error):
            fits = self._loaded.memory.largest_size_that_fits()
        self._report(JobFailed(job.id, failure_sentence(job, error, fits)))
        if isinstance(error, NumbersOverflowed):
            self._back_to_narrow()

    def _back_to_narrow(self) -> None:
        try:
            self._model_cache.narrow()
        except Exception:
            log.exception("The plan from before an overflow could not be applied")
