"""How long things take: learned from the painter's measurements, told as seconds left."""

import math

from engine.jobs.request import Recipe
from engine.models.schedulers import SCHEDULERS
from engine.worker.messages import StepMeasured

WEIGHT = 0.2
"""Of a new measurement in the moving average."""

Key = tuple[str, int, int, int]
"""Model, width, height, rows of the batch; a model's loading stands under (model, 0, 0, 0)."""


class StepTimes:
    """Moving averages of step times, and what follows from them."""

    def __init__(self, known: dict[Key, float], batch_size: int) -> None:
        self._seconds = dict(known)
        self._batch_size = batch_size
        self.unsaved: dict[Key, float] = {}

    def learn(self, measured: StepMeasured) -> None:
        """Take a measurement into the average; of a loading only the last one counts."""
        key = (measured.model, measured.width, measured.height, measured.rows)
        before = self._seconds.get(key)
        if before is None or not measured.rows:
            now = measured.seconds
        else:
            # One slow step (a hiccup, a first compilation) must not poison the average.
            now = before + WEIGHT * (min(measured.seconds, 4 * before) - before)
        self._seconds[key] = self.unsaved[key] = now

    def forget(self, model: str) -> None:
        """Drop what was measured of a model."""
        for timings in (self._seconds, self.unsaved):
            for key in [key for key in timings if key[0] == model]:
                del timings[key]

    def steps_of(self, model: str) -> dict[tuple[int, int, int], float]:
        """Seconds a step of a model, by width, height (pixels) and rows of the batch."""
        return {
            (width, height, rows): seconds
            for (name, width, height, rows), seconds in self._seconds.items()
            if name == model and rows
        }

    def loading(self, model: str) -> float:
        """Seconds to load `model`; 0 when that was never measured."""
        return self._seconds.get((model, 0, 0, 0), 0.0)

    def step(self, recipe: Recipe, rows: int) -> float | None:
        """Seconds for one step of `rows` pictures like `recipe`'s; `None` when unknown.

        A size or batch that was never measured is judged by the nearest one that was, in
        proportion to its pixels.
        """
        exact = self._seconds.get((recipe.model, recipe.width, recipe.height, rows))
        if exact is not None:
            return exact
        pixels = recipe.width * recipe.height * rows
        known = [
            (width * height * n, seconds)
            for (model, width, height, n), seconds in self._seconds.items()
            if model == recipe.model and n
        ]
        if not known:
            return None
        nearest, seconds = min(known, key=lambda item: abs(math.log(item[0] / pixels)))
        return seconds * pixels / nearest

    def painting(self, recipe: Recipe) -> float | None:
        """Seconds of the device's time for a job in a full batch; `None` when unknown."""
        step = self.step(recipe, self._batch_size)
        if step is None:
            return None
        calls = SCHEDULERS[recipe.scheduler].calls_per_step * recipe.num_inference_steps
        return step / self._batch_size * recipe.count * calls
