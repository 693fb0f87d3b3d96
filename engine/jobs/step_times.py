"""How long steps, loading and whole jobs take, from what was measured."""

import math

from engine.jobs.batch_sizes import BatchSizes
from engine.jobs.recipe import Recipe
from engine.memory.activations import size_at
from engine.memory.plan import Stage
from engine.memory.profiles import ProfileStore
from engine.models import shortcuts
from engine.models.schedulers import SCHEDULERS


class StepTimes:
    """Estimates seconds of the device's time from the measured profiles."""

    def __init__(self, profiles: ProfileStore, batches: BatchSizes) -> None:
        self._profiles = profiles
        self._batches = batches
        self._jobs: dict[tuple[object, ...], float | None] = {}
        self._version = profiles.version

    def load(self, model: str) -> float:
        """Seconds to load `model`; 0 if never measured."""
        return self._profiles.load_seconds(model) or 0.0

    def step(self, recipe: Recipe, batch: int) -> float | None:
        """Seconds for one step of `batch` pictures like `recipe`'s; `None` when unknown.

        A size or batch that was never measured is estimated from the nearest one that was, in
        proportion to its pixels.
        """
        known = self._profiles.step_seconds(recipe.model)
        if not known:
            return None
        width, height = size_at(
            Stage.STEP,
            recipe.width,
            recipe.height,
            recipe.pictures_beside,
            recipe.control is not None,
        )
        exact = known.get((width, height, batch))
        if exact is not None:
            return exact
        pixels = width * height * batch
        by_pixels = [(width * height * n, seconds) for (width, height, n), seconds in known.items()]
        nearest, seconds = min(by_pixels, key=lambda item: abs(math.log(item[0] / pixels)))
        return seconds * pixels / nearest

    def job(self, recipe: Recipe) -> float | None:
        """Seconds for a job in a full batch; `None` when unknown.

        It's worked out once for equal jobs, until something is measured.
        """
        if self._version != self._profiles.version:
            self._version = self._profiles.version
            self._jobs.clear()
        batch = self._batches.of(recipe.model)
        key = batch, *same_time(recipe)
        if key not in self._jobs:
            self._jobs[key] = self._job(recipe, batch)
        return self._jobs[key]

    def _job(self, recipe: Recipe, batch: int) -> float | None:
        step = self.step(recipe, batch)
        if step is None:
            return None
        calls = SCHEDULERS[recipe.scheduler].calls_per_step * recipe.num_inference_steps
        share = share_computed(recipe)
        return step / batch * recipe.count * calls * share


def same_time(recipe: Recipe) -> tuple[object, ...]:
    """What is equal for recipes that take equally long."""
    return (
        *(recipe.model, recipe.width, recipe.height, recipe.pictures_beside),
        *(recipe.control is None, recipe.count, recipe.scheduler, recipe.quick),
        *(recipe.num_inference_steps, recipe.steps_taken, recipe.guidance_scale > 1),
    )


def share_computed(recipe: Recipe) -> float:
    """What the denoiser computes for a recipe, as a share of what it does in exact mode.

    The model's own scheduler counts as smooth, as nearly all are.
    """
    if not recipe.quick:
        return 1.0
    total = recipe.steps_taken
    smooth = SCHEDULERS[recipe.scheduler].smooth
    steps = [step for step in range(total) if not (smooth and shortcuts.forecasts(step, total))]
    guided = recipe.guidance_scale > 1
    halves = sum(guided and not shortcuts.guides(step, total) for step in steps)
    return (len(steps) - halves / 2) / total
