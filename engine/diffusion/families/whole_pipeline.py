"""Any pipeline without a family file of its own: its `__call__`, behind the same three verbs."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from PIL import Image

from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.offload import AccelerateOffload
from engine.errors import InvalidRequest
from engine.jobs.request import Recipe
from speech import say


@dataclass(eq=False, kw_only=True)
class WholeSample(Sample):
    """A row that one call of the pipeline paints."""

    image: Image.Image | None = None


class _Interrupted(Exception):
    """Ends the call of a pipeline whose row was cancelled."""


class WholePipeline:
    """A loaded text-to-image pipeline that is only called as a whole, one picture at a time."""

    def __init__(self, pipe: Any, parts: AccelerateOffload) -> None:
        self._pipe = pipe
        self._parts = parts
        self._accepted = inspect.signature(pipe.__call__).parameters

    def begin(self, recipe: Recipe, start: InitImage | None = None) -> list[Sample]:
        """A row for each seed; the work is done in `step`.

        Raises:
            InvalidRequest: When another scheduler is asked for than the pipeline's own, which
                its `__call__` may rely on; when a picture is to start from another, or to wear
                LoRAs.
        """
        if start is not None:
            raise InvalidRequest(say("{model} doesn't support start images.", model=recipe.model))
        if recipe.adapters:
            raise InvalidRequest(
                say("{model} doesn't support LoRAs. Remove them.", model=recipe.model)
            )
        if recipe.scheduler != "default":
            raise InvalidRequest(
                say(
                    "{model} only works with its own scheduler, not “{scheduler}”.",
                    model=recipe.model,
                    scheduler=recipe.scheduler,
                )
            )
        return [
            WholeSample(recipe=recipe, seed=seed, total_steps=recipe.num_inference_steps)
            for seed in recipe.seeds
        ]

    def batch_key(self, row: Sample) -> int:
        """Every row goes alone."""
        return id(row)

    def step(self, rows: Sequence[Sample], between: Callable[[], None]) -> None:
        """Paint the rows to their end, one after the other."""
        for row in cast(Sequence[WholeSample], rows):
            self._parts.arrive()
            try:
                result = self._pipe(**self._arguments(row, between))
            except BaseException as error:
                self._pipe.maybe_free_model_hooks()  # which a call that breaks leaves undone
                if not isinstance(error, _Interrupted):
                    raise
                continue
            row.image = result.images[0].convert("RGB")
            row.step = row.total_steps

    def _arguments(self, row: WholeSample, between: Callable[[], None]) -> dict[str, Any]:
        def on_step(pipe: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
            row.step = min(step + 1, row.total_steps - 1)
            between()
            if row.cancelled:
                raise _Interrupted
            return values

        wanted = asdict(row.recipe) | {
            "generator": torch.Generator("cpu").manual_seed(row.seed),
            "callback_on_step_end": on_step,
        }
        if not row.recipe.negative_prompt:
            del wanted["negative_prompt"]  # some pipelines take an empty one for another than none
        return {name: value for name, value in wanted.items() if name in self._accepted}

    def finish(self, row: Sample) -> Image.Image:
        """The picture that the call returned."""
        image = cast(WholeSample, row).image
        assert image is not None, "finish comes after the last step"
        return image

    def preview(self, row: Sample) -> Image.Image | None:
        """None: the latents of an unknown pipeline are its own affair."""
        return None
