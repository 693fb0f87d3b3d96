"""Any pipeline without a family file: its `__call__`, behind the same `begin`, `step`, `finish`."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from PIL import Image

from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.offload import AccelerateOffload
from engine.diffusion.overflow import NumbersOverflowed, is_black
from engine.errors import InvalidRequest
from engine.jobs.request import Recipe
from engine.memory.plan import Stage
from speech import say


@dataclass(eq=False, kw_only=True)
class WholeSample(Sample):
    """A sample that one call of the pipeline paints."""

    image: Image.Image | None = None


class _Interrupted(Exception):
    """Ends the call of a pipeline whose sample was cancelled."""


class WholePipeline:
    """A loaded text-to-image pipeline that is called as a whole, one picture at a time."""

    def __init__(self, pipe: Any, components: AccelerateOffload) -> None:
        self._pipe = pipe
        self._components = components
        self._accepted = inspect.signature(pipe.__call__).parameters

    def load_adapters(self, recipe: Recipe) -> None:
        """None: `begin` refuses them."""

    def begin(self, recipe: Recipe, init_image: InitImage | None = None) -> list[Sample]:
        """Make a sample for each seed; the work is done in `step`.

        Raises:
            InvalidRequest: The recipe asks for an init image, for LoRAs, or for another scheduler
                than the pipeline's own, which its `__call__` may rely on.
        """
        if init_image is not None:
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

    def batch_key(self, sample: Sample) -> int:
        """Every sample goes alone."""
        return id(sample)

    def step(self, samples: Sequence[Sample], on_step_end: Callable[[], None]) -> None:
        """Paint the samples to their end, one after the other.

        Raises:
            NumbersOverflowed: A picture is black that needn't be, as far as can be told.
        """
        for sample in cast(Sequence[WholeSample], samples):
            self._components.to_device()
            try:
                result = self._pipe(**self._arguments(sample, on_step_end))
            except BaseException as error:
                self._pipe.maybe_free_model_hooks()  # a call that breaks doesn't
                if not isinstance(error, _Interrupted):
                    raise
                continue
            image = result.images[0].convert("RGB")
            withheld = any(getattr(result, "nsfw_content_detected", None) or ())
            if is_black(image) and not withheld and self._pipe.dtype is not torch.float32:
                raise NumbersOverflowed(Stage.STEP)
            sample.image = image
            sample.step = sample.total_steps

    def _arguments(self, sample: WholeSample, on_step_end: Callable[[], None]) -> dict[str, Any]:
        def callback(pipe: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
            sample.step = min(step + 1, sample.total_steps - 1)
            on_step_end()
            if sample.cancelled:
                raise _Interrupted
            return values

        available = asdict(sample.recipe) | {
            "generator": torch.Generator("cpu").manual_seed(sample.seed),
            "callback_on_step_end": callback,
        }
        if not sample.recipe.negative_prompt:
            del available["negative_prompt"]  # to some pipelines an empty one isn't none
        return {name: value for name, value in available.items() if name in self._accepted}

    def finish(self, sample: Sample) -> Image.Image:
        """The picture that the call returned."""
        image = cast(WholeSample, sample).image
        assert image is not None, "finish comes after the last step"
        return image

    def preview(self, sample: Sample) -> Image.Image | None:
        """None: nothing is known about the latents of such a pipeline."""
        return None
