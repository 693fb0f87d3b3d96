"""What the parity tests of the transformer families share: a call of a pipeline, and checks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from engine.diffusion.families.base import Family
from engine.diffusion.schedulers import make_scheduler
from engine.jobs.recipe import Recipe
from tests.engine import builders as making
from tests.engine.diffusion.families.parity import LONG, ONE_LEVEL, Image, difference, paint


def recipe(**fields: Any) -> Recipe:
    """A recipe for a model that brings its own scheduler."""
    return making.recipe(**{"scheduler": "default", "num_inference_steps": 3} | fields)


def levels(image: Any) -> Image:
    """A picture in 8-bit levels, shape (height, width, 3)."""
    return np.asarray(image).astype(np.int16)


def run_pipeline(kind: Any, pipe: Any, asked: Recipe, **arguments: Any) -> Any:
    """What comes out of calling a Diffusers pipeline over the components of another.

    Args:
        kind: Its class.
        pipe: Brings the components; its scheduler is left alone.
        asked: The recipe; its first seed is painted.
        arguments: Those of the call that not all pipelines have in common.
    """
    caller = kind(**pipe.components)
    caller.scheduler = make_scheduler(pipe.scheduler, asked.scheduler)
    caller.set_progress_bar_config(disable=True)
    result = caller(
        prompt=asked.prompt,
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.num_inference_steps,
        guidance_scale=asked.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
        **arguments,
    )
    return result.images[0]


def check_settings_are_told_apart(plain: Callable[[Recipe], Image], unguided: float = 1.0) -> None:
    """The tiny pictures differ by every setting; else comparisons would show nothing.

    Args:
        plain: Paints a recipe by the pipeline's own call.
        unguided: The guidance scale at which the negative prompt doesn't count.
    """
    changes: list[dict[str, Any]] = [
        {"prompt": "moon"},
        {"negative_prompt": "a blue fish"},
        {"guidance_scale": unguided},
        {"num_inference_steps": 4},
        {"seed": 8},
    ]
    one = plain(recipe())
    for change in changes:
        assert difference(one, plain(recipe(**change))) > 4 * ONE_LEVEL, change


def check_samples_do_not_touch_each_other(
    family: Family, plain: Callable[[Recipe], Image], scales: tuple[float, float, float]
) -> None:
    """Mixed prompts, schedulers, guidance and times beside each other paint what each does alone.

    Args:
        family: Paints them together.
        plain: Paints a recipe by the pipeline's own call.
        scales: The guidance scales.
    """
    recipes = [
        recipe(
            scheduler=scheduler,
            seed=100 + i,
            num_inference_steps=2 + i,
            guidance_scale=scales[i % 3],
            prompt=LONG if i % 2 else "moon",
            negative_prompt=LONG if i % 4 == 2 else "",
        )
        for i, scheduler in enumerate(("default", "default", "default", "euler", "default"))
    ]
    together = paint(family, *recipes, after=[0, 1, 0, 2, 5])
    for asked, painted in zip(recipes, together, strict=True):
        assert difference(painted, plain(asked)) <= ONE_LEVEL
