"""A pipeline without a family file still paints, tells how far it is, and can be stopped."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, ClassVar

import diffusers
import numpy as np
import PIL.Image
import pytest
import torch

from engine.diffusion.families.base import Sample
from engine.diffusion.families.whole_pipeline import WholePipeline
from engine.diffusion.offload import AccelerateOffload
from engine.diffusion.overflow import NumbersOverflowed
from engine.errors import InvalidRequest
from engine.jobs.request import Recipe
from tests.engine import builders as making
from tests.engine.diffusion.conftest import Image


def recipe(**fields: Any) -> Recipe:
    """A recipe for a pipeline that brings its own scheduler."""
    return making.recipe(**{"scheduler": "default"} | fields)


def plain(pipe: Any, asked: Recipe, **arguments: Any) -> Image:
    """What the pipeline paints when it is called as its documentation says."""
    result = pipe(
        prompt=asked.prompt,
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.num_inference_steps,
        guidance_scale=asked.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
        **arguments,
    )
    return np.asarray(result.images[0]).astype(np.int16)


def whole(pipe: Any) -> WholePipeline:
    return WholePipeline(pipe, AccelerateOffload(pipe, torch.device("cpu")))


@torch.inference_mode()
def paint(pipe: Any, asked: Recipe) -> list[Image]:
    family = whole(pipe)
    samples = family.begin(asked)
    family.step(samples, lambda: None)
    return [np.asarray(family.finish(sample)).astype(np.int16) for sample in samples]


@pytest.mark.parametrize("kind", ["lcm", "pag"])
def test_it_paints_what_the_plain_call_paints(pipes: dict[str, Any], kind: str) -> None:
    asked = recipe()
    [whole] = paint(pipes[kind], asked)
    assert np.array_equal(whole, plain(pipes[kind], asked))


def test_a_negative_prompt_reaches_a_pipeline_that_takes_one(pipes: dict[str, Any]) -> None:
    asked = recipe(negative_prompt="a blue fish", guidance_scale=20.0)
    [whole] = paint(pipes["pag"], asked)
    assert np.array_equal(whole, plain(pipes["pag"], asked, negative_prompt="a blue fish"))
    assert not np.array_equal(whole, plain(pipes["pag"], asked))


def test_each_picture_of_a_job_has_its_own_seed(pipes: dict[str, Any]) -> None:
    first, second = paint(pipes["lcm"], recipe(count=2))
    assert np.array_equal(first, plain(pipes["lcm"], recipe(seed=7)))
    assert np.array_equal(second, plain(pipes["lcm"], recipe(seed=8)))


def test_samples_go_alone(pipes: dict[str, Any]) -> None:
    family = whole(pipes["lcm"])
    one, other = family.begin(recipe(count=2))
    assert family.batch_key(one) != family.batch_key(other)
    assert family.preview(one) is None


def test_between_two_steps_it_tells_how_far_it_is_and_looks_up(pipes: dict[str, Any]) -> None:
    family = whole(pipes["lcm"])
    [sample] = family.begin(recipe(num_inference_steps=5))
    seen: list[int] = []
    with torch.inference_mode():
        family.step([sample], lambda: seen.append(sample.step))
    assert seen == [1, 2, 3, 4, 4], "the last one is only done when the picture is there"
    assert sample.done


def test_a_sample_cancelled_in_the_middle_ends_there_and_the_pipeline_can_be_used_again(
    pipes: dict[str, Any],
) -> None:
    family = whole(pipes["lcm"])
    [sample] = family.begin(recipe(num_inference_steps=10))
    seen: list[int] = []

    def change_my_mind() -> None:
        seen.append(sample.step)
        sample.cancelled = len(seen) == 3

    with torch.inference_mode():
        family.step([sample], change_my_mind)
    assert seen == [1, 2, 3]
    assert sample.step == 3, "so that the time of a step is not learned as too short"
    [again] = paint(pipes["lcm"], recipe())
    assert np.array_equal(again, plain(pipes["lcm"], recipe()))


def test_what_a_pipeline_does_not_take_is_not_given_to_it(pipes: dict[str, Any]) -> None:
    """A pipeline without guidance or callback, such as a one-step model, is called without."""

    class Simple(diffusers.DiffusionPipeline):  # type: ignore[misc]
        components: ClassVar[dict[str, Any]] = {}

        def __call__(self, prompt: str, generator: torch.Generator) -> Any:
            return pipes["lcm"](prompt=prompt, width=64, height=64, generator=generator)

    samples: list[Sample] = whole(Simple()).begin(recipe())
    with torch.inference_mode():
        whole(Simple()).step(samples, lambda: None)
    assert samples[0].done


def test_another_scheduler_than_its_own_is_refused(pipes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="only works with its own scheduler, not “euler”"):
        whole(pipes["pag"]).begin(recipe(scheduler="euler"))


@pytest.mark.parametrize(
    ("dtype", "withheld", "refused"),
    [
        (torch.float16, None, True),
        (torch.bfloat16, [False], True),
        (torch.float16, [True], False),
        (torch.float32, None, False),
    ],
)
def test_a_black_picture_in_half_precision_counts_as_an_overflow(
    dtype: torch.dtype, withheld: list[bool] | None, refused: bool
) -> None:
    """Unless a safety checker blackened it; in float32 there is nothing wider to try."""

    class Black:
        def __call__(self, prompt: str) -> Any:
            image = PIL.Image.new("RGB", (8, 8))
            return SimpleNamespace(images=[image], nsfw_content_detected=withheld)

        def to(self, device: torch.device) -> None: ...

        def maybe_free_model_hooks(self) -> None: ...

    pipe = Black()
    pipe.dtype = dtype  # type: ignore[attr-defined]
    with pytest.raises(NumbersOverflowed) if refused else nullcontext():
        paint(pipe, recipe())
