"""What steps take: told to the model's memory and to what makes it faster, once it is known."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from engine.diffusion.families import Sample
from engine.diffusion.loader import LoadedModel
from engine.diffusion.offload.usage import Usage
from engine.diffusion.step_clock import StepClock, Timed
from engine.jobs.recipe import Recipe
from engine.memory.plan import Stage


@dataclass(frozen=True, slots=True)
class _Steps:
    """Some steps of a batch: how many, of how many samples, of what, and what they took.

    Shortened ones, which didn't take all samples through the denoiser, tell nothing of others.
    """

    count: int
    batch: int
    recipe: Recipe
    usage: Usage | None
    loaded: LoadedModel
    shortened: bool


class StepTimer:
    """Times steps on a device.

    Attributes:
        seconds: What the latest step took of which that is known.
    """

    def __init__(self, device: torch.device) -> None:
        """Time steps on `device`."""
        self.seconds = 0.0
        self._clock: StepClock[_Steps] = StepClock(device)

    def timing(self) -> AbstractContextManager[None]:
        """The steps that begin and are given to the device here; `count` comes next."""
        return self._clock.timing()

    def count(self, loaded: LoadedModel, samples: Sequence[Sample], steps: int) -> None:
        """The device has been given `steps` of a batch of `samples`.

        They are measured as pictures along a map if one of them is.
        """
        along = (sample for sample in samples if sample.recipe.control is not None)
        self._tell(
            self._clock.given(
                _Steps(
                    count=max(1, steps),
                    batch=len(samples),
                    recipe=next(along, samples[0]).recipe,
                    usage=loaded.components.take_usage(Stage.STEP),
                    loaded=loaded,
                    shortened=any(sample.shortened for sample in samples),
                )
            )
        )

    def finish(self) -> None:
        """Wait until the device has done all steps that it was given."""
        self._tell(self._clock.drain())

    def forget(self) -> None:
        """Don't tell of the steps that were given: one has failed."""
        self._clock.forget()

    def _tell(self, done: Sequence[Timed[_Steps]]) -> None:
        for one in done:
            steps, loaded = one.note, one.note.loaded
            self.seconds = one.seconds / steps.count
            if not steps.shortened:
                loaded.memory.record(
                    Stage.STEP, self.seconds, steps.batch, steps.recipe, steps.usage
                )
            if loaded.acceleration is not None:
                shape = steps.batch, steps.recipe.width, steps.recipe.height
                loaded.acceleration.count(shape, one.seconds)
