"""Trains a LoRA: from its checkpoint, if there is one, to its end or a pause."""

import logging
import math
import queue
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from diffusers.optimization import get_scheduler

from engine.diffusion.device import Device
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.diffusion.overflow import NumbersOverflowed, is_black
from engine.diffusion.training.checkpoints import Checkpoint
from engine.diffusion.training.examples import Example
from engine.diffusion.training.lora_file import write_lora
from engine.diffusion.training.lora_group import LoraGroup
from engine.diffusion.training.model import TrainingModel
from engine.diffusion.training.objectives import objective_of
from engine.diffusion.training.optimizers import make_optimizer
from engine.diffusion.training.order import Order, seed_of
from engine.diffusion.training.preparation import painted, prepare
from engine.errors import InvalidRequest, Withheld
from engine.training.messages import (
    Finish,
    Keep,
    Kept,
    Pause,
    Paused,
    Preparing,
    Sampled,
    Trained,
    TrainingCommand,
    TrainingReport,
)
from engine.training.run_folder import RunFolder
from engine.training.setup import TrainingSetup
from speech import say

log = logging.getLogger(__name__)

MAX_GRADIENT = 1.0
"""Length to which gradients are clipped, as in Diffusers' scripts."""

OWN, CLASS = "own", "class"

KEEPING = 8.0
"""Weight of what stays as it was against what is learnt.

Diffusers' DreamBooth scripts have 1.0, where the class is learnt from its pictures. This loss
starts at nothing; how much it needs was tried with `python -m benchmarks.training`."""

UNCAPTIONED = 0.3
"""Share of the class's pictures that lose their captions, at least.

Guidance takes what is predicted without a caption away from every picture, and a new word is close
to none."""

SCHEDULE = "constant_with_warmup"


class _Interrupted(Exception):
    """A pause that comes while pictures are prepared, which are kept."""


class Trainer:
    """One training. It belongs to the thread that calls `run`."""

    def __init__(
        self,
        setup: TrainingSetup,
        commands: "queue.SimpleQueue[TrainingCommand]",
        report: Callable[[TrainingReport], None],
    ) -> None:
        """Prepare; nothing is loaded yet.

        Args:
            setup: What to train, and where.
            commands: Obeyed between steps.
            report: Called with everything that happens.
        """
        self._setup, self._request = setup, setup.request
        self._commands, self._report = commands, report
        self._waiting: deque[TrainingCommand] = deque()
        self._folder = RunFolder(setup.folder)
        self._step = 0

    def run(self) -> None:
        """Train until the last step, or a command to end.

        Raises:
            AtelierError: It can't go on; the sentence says why.
        """
        self._folder.clear_partial()
        device = Device.choose(self._setup.settings)
        device.select()
        device.claim()
        model = TrainingModel(self._setup, device)
        try:
            self._own, self._class = prepare(model, self._request, self._folder, self._prepared)
        except _Interrupted:
            checkpoint = Checkpoint.read(self._folder.checkpoint)
            self._report(Paused(checkpoint.step if checkpoint else 0))
            return
        self._model = model
        self._samples = model.sample_recipes()
        if not self._request.text_encoder:
            model.encode_samples(self._samples)
        model.take_apart(keep_encoders=self._request.text_encoder)
        self._attach()
        if self._step == 0:
            self._paint_samples()
        self._train()

    def _prepared(self, done: int, total: int) -> None:
        """Between two pictures. A pause isn't for when all are done, which may take an hour."""
        self._report(Preparing(done, total))
        while not self._commands.empty():
            self._waiting.append(self._commands.get())
        if any(isinstance(each, Pause) for each in self._waiting):
            raise _Interrupted

    def _attach(self) -> None:
        """Add the LoRA to the model, and go on from the checkpoint, if there is one."""
        request, model = self._request, self._model
        scheduler = model.pipe.scheduler
        self._objective = objective_of(scheduler, model.facts.noise, request.min_snr_gamma)
        self._orders = [
            Order([each.key for each in examples], request.batch, seed_of(request.seed, salt))
            for salt, examples in self._sources
        ]
        self._layers = LoraGroup(model.pipe, model.family.family, request)
        if request.checkpointing:
            model.denoiser.enable_gradient_checkpointing()
        model.denoiser.to(model.device)
        self._layers.to(model.device)
        self._parameters = self._layers.parameters
        self._optimizer = make_optimizer(
            self._layers.denoiser_parameters, request, self._layers.encoder_parameters
        )
        self._schedule = get_scheduler(
            SCHEDULE, self._optimizer, num_warmup_steps=request.warmup_steps
        )
        checkpoint = Checkpoint.read(self._folder.checkpoint)
        if checkpoint is not None:
            self._step = checkpoint.step
            self._layers.restore(checkpoint.layers)
            self._optimizer.load_state_dict(checkpoint.optimizer)
            self._schedule.load_state_dict(checkpoint.schedule)
        self._folder.cut_losses(self._step)

    @property
    def _sources(self) -> list[tuple[str, Sequence[Example]]]:
        """What each step sees: pictures of what is to be learnt, and of its class."""
        sources = [(OWN, self._own), (CLASS, self._class)]
        return [(salt, examples) for salt, examples in sources if examples]

    def _train(self) -> None:
        while self._step < self._request.steps:
            match self._command():
                case Pause():
                    self._save()
                    self._report(Paused(self._step))
                    return
                case Finish():
                    break
                case Keep():
                    self._write_lora(final=False)
            begun = time.monotonic()
            loss = self._optimize()
            self._step += 1
            self._folder.add_loss(loss)
            self._report(Trained(self._step, loss, time.monotonic() - begun))
            if self._step % self._request.sample_every == 0 or self._step == self._request.steps:
                self._paint_samples()
            if self._step % self._request.checkpoint_every == 0:
                self._save()
        self._save()
        self._write_lora(final=True)

    def _command(self) -> TrainingCommand | None:
        """The next command, which is obeyed or waits until the first step."""
        if self._waiting:
            return self._waiting.popleft()
        try:
            return self._commands.get_nowait()
        except queue.Empty:
            return None

    def _optimize(self) -> float:
        """Move the weights once; the mean loss of what is to be learnt.

        That of the class begins at nothing and rises: what stays as it was says nothing of how far
        the training is.

        Raises:
            InvalidRequest: It or the gradients aren't finite. The weights haven't been moved.
        """
        learnt, kept = torch.zeros(()), torch.zeros(())
        for call in range(self._request.accumulate):
            number = self._step * self._request.accumulate + call
            for (salt, examples), order in zip(self._sources, self._orders, strict=True):
                rows = [examples[each] for each in order[number]]
                generator = torch.Generator().manual_seed(seed_of(self._request.seed, salt, number))
                loss = self._loss(rows, generator, keeps=salt == CLASS) / self._request.accumulate
                loss.backward()  # type: ignore[no-untyped-call]
                (kept if salt == CLASS else learnt).add_(loss.detach().cpu())
        length = torch.nn.utils.clip_grad_norm_(self._parameters, MAX_GRADIENT)
        if not all(map(math.isfinite, (learnt, kept, length))):
            raise self._diverged()
        self._optimizer.step()
        self._schedule.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._layers.average()
        return float(learnt)

    def _loss(
        self, rows: Sequence[Example], generator: torch.Generator, *, keeps: bool
    ) -> torch.Tensor:
        """The mean loss of a batch.

        Args:
            rows: The batch.
            generator: Draws noise and timesteps.
            keeps: Whether it's to be predicted as the model does without the LoRA.
        """
        model = self._model
        latents = torch.cat([row.latents for row in rows]).to(model.device)
        exercise = self._objective.exercise(latents, generator)
        dropout = self._request.caption_dropout
        if self._class:
            # Without a caption, the model is to paint what it did rather than what is learnt.
            dropout = max(dropout, UNCAPTIONED) if keeps else 0.0
        dropped = torch.rand(len(rows), generator=generator) < dropout
        if keeps:
            rows = self._with_captions_of_others(rows, generator)
        noisy = exercise.noisy.to(model.dtype)

        def batch(*, anew: bool) -> DenoiserBatch:
            return DenoiserBatch(
                [
                    row.input(
                        model.family,
                        noisy[number : number + 1],
                        exercise.timesteps[number],
                        captioned=not dropped[number],
                        anew=anew,
                    )
                    for number, row in enumerate(rows)
                ]
            )

        with model.autocast():
            if keeps:
                with self._layers.disabled(), torch.no_grad():
                    target = model.family.denoise(batch(anew=False))
                exercise = replace(exercise, target=target)
            prediction = model.family.denoise(batch(anew=self._request.text_encoder))
        return exercise.loss(prediction).mean() * (KEEPING if keeps else 1.0)

    def _with_captions_of_others(
        self, rows: Sequence[Example], generator: torch.Generator
    ) -> list[Example]:
        """Half of the class's pictures with captions of others: more that stays as it was.

        What the model predicts of them is the target, so a caption needn't fit its picture.
        """
        swapped = torch.rand(len(rows), generator=generator) < 0.5
        others = torch.randint(len(self._class), (len(rows),), generator=generator)
        return [
            row.captioned_as(self._class[other]) if swap else row
            for row, swap, other in zip(rows, swapped, others.tolist(), strict=True)
        ]

    def _save(self) -> None:
        optimizer, schedule = self._optimizer.state_dict(), self._schedule.state_dict()
        checkpoint = Checkpoint(self._step, self._layers.state(), optimizer, schedule)
        checkpoint.write(self._folder.checkpoint)

    def _paint_samples(self) -> None:
        files = []
        if self._request.text_encoder:
            self._model.family.forget_prompts()
        with self._layers.averaged():
            for number, recipe in enumerate(self._samples, start=1):
                try:
                    picture = self._model.paint(recipe)
                except NumbersOverflowed as error:
                    raise self._diverged() from error
                except Withheld:
                    continue
                if self._step and is_black(picture):
                    raise self._diverged()
                file = self._folder.sample(self._step, number)
                self._folder.write(file, painted(picture))
                files.append(file)
        self._report(Sampled(self._step, tuple(files)))

    def _write_lora(self, *, final: bool) -> None:
        file = self._folder.result(self._request.name, None if final else self._step)
        with self._layers.averaged():
            factors = self._layers.factors()
        write_lora(
            file,
            factors,
            self._model.family.family,
            self._request,
            self._setup.base,
            self._step,
        )
        self._report(Kept(self._step, file, final))

    def _diverged(self) -> InvalidRequest:
        return InvalidRequest(
            say(
                "The training has gone astray at step {step}: what it computes is no longer "
                "finite, or its samples are black. Begin another one with a learning rate below "
                "{rate}.",
                step=self._step,
                rate=f"{self._request.learning_rate:g}",
            )
        )
