"""How long steps, loading and whole jobs take, from what was measured."""

import math

from engine.jobs.request import Recipe
from engine.memory.profiles import ProfileStore
from engine.models.schedulers import SCHEDULERS


class StepTimes:
    """Estimates seconds of the device's time from the measured profiles."""

    def __init__(self, profiles: ProfileStore, batch_size: int) -> None:
        self._profiles = profiles
        self._batch_size = batch_size

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
        exact = known.get((recipe.width, recipe.height, batch))
        if exact is not None:
            return exact
        pixels = recipe.width * recipe.height * batch
        by_pixels = [(width * height * n, seconds) for (width, height, n), seconds in known.items()]
        nearest, seconds = min(by_pixels, key=lambda item: abs(math.log(item[0] / pixels)))
        return seconds * pixels / nearest

    def job(self, recipe: Recipe) -> float | None:
        """Seconds for a job in a full batch; `None` when unknown."""
        step = self.step(recipe, self._batch_size)
        if step is None:
            return None
        calls = SCHEDULERS[recipe.scheduler].calls_per_step * recipe.num_inference_steps
        return step / self._batch_size * recipe.count * calls
