"""Any pipeline without a family file: its `__call__`, behind the same `begin`, `step`, `finish`.

What a pipeline can be asked for is what its signature names, and LoRAs where it loads them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import torch
from diffusers.pipelines.auto_pipeline import AutoPipelineForImage2Image
from PIL import Image
from torch import nn

from engine.diffusion.card import card_of
from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.families.whole_arguments import Parameters, accepted_by, call_arguments
from engine.diffusion.families.whole_previews import preview_of, watched
from engine.diffusion.lora.manager import LoraManager
from engine.diffusion.offload import AccelerateOffload
from engine.diffusion.overflow import NumbersOverflowed, is_black
from engine.errors import InvalidRequest
from engine.hub.pipeline_class import known_pipeline_class
from engine.hub.pipeline_layout import DENOISERS
from engine.jobs.recipe import Recipe
from engine.memory.plan import Stage
from engine.memory.plan_request import ANY_FAMILY
from engine.models.adapters import AdapterCatalogue
from speech import say

GUIDERS = ("guider", "ocr_guider")
"""Components that guide: HunyuanImage has one for pictures, and one for those with lettering."""


@dataclass(eq=False, kw_only=True)
class WholeSample(Sample):
    """A sample that one call of the pipeline paints.

    Attributes:
        start: The picture that it starts from or refers to, of the recipe's size.
        image: What the call returned.
        pred_original: The latents without noise, as the latest step foresees them.
    """

    start: Image.Image | None = None
    image: Image.Image | None = None
    pred_original: torch.Tensor | None = None


class _Interrupted(BaseException):
    """Ends the call of a pipeline whose sample was cancelled.

    Not an `Exception`: modular pipelines log those as errors in their blocks.
    """


class WholePipeline:
    """A loaded text-to-image pipeline that is called as a whole, one picture at a time."""

    def __init__(
        self, pipe: Any, components: AccelerateOffload, adapters: AdapterCatalogue | None = None
    ) -> None:
        """Take a loaded pipeline.

        Args:
            pipe: The Diffusers pipeline.
            components: Brings it to the device.
            adapters: The LoRAs that can be used.
        """
        self._pipe = pipe
        self._components = components
        self._adapters = None
        if hasattr(pipe, "load_lora_weights"):
            facts = replace(
                ANY_FAMILY,
                label=type(pipe).__name__,
                denoiser=_denoiser_of(pipe),
                text_encoders=tuple(_text_encoders_of(pipe)),
            )
            self._adapted = (facts.denoiser, *facts.text_encoders)
            self._adapters = LoraManager(pipe, components, facts, adapters or AdapterCatalogue())

    def load_adapters(self, recipe: Recipe) -> None:
        """Load them once; those that were used least recently may make room.

        Raises:
            InvalidRequest: The pipeline takes none, or one is for another family.
            ModelUnavailable: An adapter's file is missing or damaged.
        """
        if not recipe.adapters:
            return
        if self._adapters is None:
            raise InvalidRequest(
                say("{model} doesn't support LoRAs. Remove them.", model=recipe.model)
            )
        self._adapters.ensure(*recipe.adapters)

    def begin(
        self,
        recipe: Recipe,
        init_image: InitImage | None = None,
        references: Sequence[Image.Image] = (),
        control: Image.Image | None = None,
    ) -> list[Sample]:
        """Make a sample for each seed; the work is done in `step`.

        Raises:
            InvalidRequest: The recipe asks for an init image or LoRAs that the pipeline doesn't
                take, for a mask, for control, or for another scheduler than the pipeline's own,
                which its `__call__` may rely on.
            ModelUnavailable: An adapter's file is missing or damaged.
        """
        if init_image is not None and self._starting_pipe is None:
            raise InvalidRequest(say("{model} doesn't support start images.", model=recipe.model))
        if control is not None:
            raise InvalidRequest(
                say("{model} can't paint along a control picture.", model=recipe.model)
            )
        if init_image is not None and init_image.mask is not None:
            raise InvalidRequest(
                say("{model} doesn't support masks. Remove the mask.", model=recipe.model)
            )
        if recipe.scheduler != "default":
            raise InvalidRequest(
                say(
                    "{model} only works with its own scheduler, not “{scheduler}”.",
                    model=recipe.model,
                    scheduler=recipe.scheduler,
                )
            )
        self.load_adapters(recipe)
        start, steps = None, recipe.num_inference_steps
        if init_image is not None:
            size = recipe.width, recipe.height
            start = init_image.image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
            if "strength" in accepted_by(self._starting_pipe):
                steps = max(1, int(steps * recipe.strength))
        return [
            WholeSample(recipe=recipe, seed=seed, total_steps=steps, start=start)
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
            pipe = self._pipe if sample.start is None else self._starting_pipe
            with self._wearing(sample.recipe):
                self._components.to_device(pipe)
                try:
                    result = self._call(pipe, sample, on_step_end)
                except BaseException as error:
                    pipe.maybe_free_model_hooks()  # a call that breaks doesn't
                    if not isinstance(error, _Interrupted):
                        raise
                    continue
            image = _picture_of(result).convert("RGB")
            withheld = any(getattr(result, "nsfw_content_detected", None) or ())
            if is_black(image) and not withheld and pipe.dtype is not torch.float32:
                raise NumbersOverflowed(Stage.STEP)
            sample.image = image
            sample.pred_original = None
            sample.step = sample.total_steps

    @cached_property
    def _starting_pipe(self) -> Any:
        """The pipeline with these components that takes a picture; `None` if there is none."""
        if "image" in accepted_by(self._pipe):
            return self._pipe
        kind = known_pipeline_class(type(self._pipe).__name__)
        if kind is None or kind.image_to_image is None:
            return None
        other = AutoPipelineForImage2Image.from_pipe(self._pipe)
        other.set_progress_bar_config(disable=True)
        return other

    @contextmanager
    def _wearing(self, recipe: Recipe) -> Iterator[None]:
        """Have the recipe's LoRAs applied, and no others."""
        if self._adapters is None:
            yield
            return
        with self._adapters.applied([recipe.adapters], *self._adapted):
            yield

    def _call(self, pipe: Any, sample: WholeSample, on_step_end: Callable[[], None]) -> Any:
        def step_ended() -> None:
            sample.step = min(sample.step + 1, sample.total_steps - 1)
            on_step_end()
            if sample.cancelled:
                raise _Interrupted

        def callback(pipe: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
            step_ended()
            return values

        def scheduler_stepped(pred_original: torch.Tensor | None) -> None:
            sample.pred_original = pred_original
            if not calls_back:
                step_ended()

        accepted = accepted_by(pipe)
        calls_back = "callback_on_step_end" in accepted
        arguments = call_arguments(accepted, sample.recipe, sample.seed, sample.start)
        if calls_back:
            arguments["callback_on_step_end"] = callback
        sample.step = 0
        with (
            _guided(pipe, accepted, sample.recipe),
            self._seeded(sample.seed),
            watched(pipe, scheduler_stepped),
        ):
            return pipe(**arguments)

    @contextmanager
    def _seeded(self, seed: int) -> Iterator[None]:
        """Let what a pipeline draws without its generator, such as better words, depend on it."""
        device = self._components.device
        card = card_of(device)
        with torch.random.fork_rng([] if card is None else [device], device_type=device.type):
            torch.manual_seed(seed)
            yield

    def finish(self, sample: Sample) -> Image.Image:
        """The picture that the call returned."""
        image = cast(WholeSample, sample).image
        assert image is not None, "finish comes after the last step"
        return image

    def preview(self, sample: Sample) -> Image.Image | None:
        """The predicted picture, small, where the latents of the pipeline are known."""
        latents, recipe = cast(WholeSample, sample).pred_original, sample.recipe
        if latents is None:
            return None
        return preview_of(self._pipe, latents, recipe.width, recipe.height)


@contextmanager
def _guided(pipe: Any, accepted: Parameters, recipe: Recipe) -> Iterator[None]:
    """Give the recipe's guidance to a pipeline that has a component for it, no argument."""
    guiders = {
        name: guider
        for name in GUIDERS
        if (guider := getattr(pipe, name, None)) is not None and "guidance_scale" not in accepted
    }
    for name, guider in guiders.items():
        setattr(pipe, name, guider.new(guidance_scale=recipe.guidance_scale))
    try:
        yield
    finally:
        for name, guider in guiders.items():
            setattr(pipe, name, guider)


def _picture_of(result: Any) -> Image.Image:
    """The picture in a pipeline's output, which calls it `images` or `image`, nested or not."""
    found = getattr(result, "images", None)
    if found is None:
        found = result.image
    while isinstance(found, list | tuple):
        found = found[0]
    return cast(Image.Image, found)


def _denoiser_of(pipe: Any) -> str:
    return next((name for name in DENOISERS if hasattr(pipe, name)), DENOISERS[0])


def _text_encoders_of(pipe: Any) -> Iterator[str]:
    for name, component in pipe.components.items():
        if name.startswith("text_encoder") and isinstance(component, nn.Module):
            yield name
