"""Sana paints what Diffusers paints, with its instruction before the prompt."""

from typing import Any

import diffusers
import pytest
import torch

from engine.diffusion.families import Family, InitImage, family_of
from engine.diffusion.families.sana import Sana
from engine.errors import InvalidRequest
from engine.jobs.recipe import Recipe
from engine.models.schedulers import allowed_schedulers
from tests.engine.diffusion.families.parity import ONE_LEVEL, Image, difference, paint, parts
from tests.engine.diffusion.families.transformer_pipelines import levels, recipe, run_pipeline
from tests.engine.diffusion.families.unet_pipelines import photo
from tests.tiny.sana import sana

KINDS = ("plain", "learned variance", "half precision")


@pytest.fixture(scope="session")
def sana_pipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The pipelines by kind."""
    new = tmp_path_factory.mktemp
    folder = sana(new("sana"))
    load = diffusers.AutoPipelineForText2Image.from_pretrained
    return {
        "plain": load(folder),
        "learned variance": load(sana(new("sana"), learned_variance=True)),
        "half precision": load(folder, dtype=torch.bfloat16),
    }


@pytest.fixture(scope="session")
def sanas(sana_pipes: dict[str, Any]) -> dict[str, Family]:
    return {kind: family_of(pipe, parts(pipe), None) for kind, pipe in sana_pipes.items()}


def plain(pipe: Any, asked: Recipe, **arguments: Any) -> Image:
    """What the pipeline paints by its own call."""
    negative = {"negative_prompt": asked.negative_prompt}
    sizes = {"use_resolution_binning": False}
    return levels(
        run_pipeline(diffusers.SanaPipeline, pipe, asked, **negative, **sizes, **arguments)
    )


@pytest.mark.parametrize("guidance_scale", [1.0, 6.5])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    sanas: dict[str, Family], sana_pipes: dict[str, Any], kind: str, guidance_scale: float
) -> None:
    asked = recipe(negative_prompt="a blue fish", guidance_scale=guidance_scale, width=96)
    assert isinstance(sanas[kind], Sana)
    [alone] = paint(sanas[kind], asked)
    assert alone.shape == (64, 96, 3)
    assert difference(alone, plain(sana_pipes[kind], asked)) == 0


def test_so_it_is_with_every_scheduler_that_fits(
    sanas: dict[str, Family], sana_pipes: dict[str, Any]
) -> None:
    for scheduler in allowed_schedulers("sana"):
        asked = recipe(scheduler=scheduler, num_inference_steps=4)
        [alone] = paint(sanas["plain"], asked)
        assert difference(alone, plain(sana_pipes["plain"], asked)) == 0, scheduler


def test_the_instruction_goes_before_the_prompt(
    sanas: dict[str, Family], sana_pipes: dict[str, Any]
) -> None:
    [alone] = paint(sanas["plain"], recipe())
    bare = plain(sana_pipes["plain"], recipe(), complex_human_instruction=None)
    assert difference(alone, bare) > 4 * ONE_LEVEL


def test_the_tiny_pictures_tell_settings_apart(sana_pipes: dict[str, Any]) -> None:
    """Else the comparisons of this file would show nothing."""
    changes: list[dict[str, Any]] = [
        {"prompt": "moon"},
        {"negative_prompt": "a blue fish"},
        {"guidance_scale": 3.0},
        {"num_inference_steps": 4},
        {"seed": 8},
        {"scheduler": "euler"},
    ]
    one = plain(sana_pipes["plain"], recipe())
    for change in changes:
        other = plain(sana_pipes["plain"], recipe(**change))
        assert difference(one, other) > 4 * ONE_LEVEL, change


def test_samples_of_mixed_steps_guidance_prompts_and_times_do_not_touch_each_other(
    sanas: dict[str, Family], sana_pipes: dict[str, Any]
) -> None:
    recipes = [
        recipe(
            scheduler=scheduler,
            seed=100 + i,
            num_inference_steps=2 + i,
            guidance_scale=(1.0, 4.0, 9.0)[i % 3],
            prompt="a yellow moon" if i % 2 else "a red house under a yellow moon, a blue fish",
            negative_prompt="fish" if i % 4 else "",
        )
        for i, scheduler in enumerate(allowed_schedulers("sana"))
    ]
    together = paint(sanas["plain"], *recipes, after=[0, 1, 0, 2, 5])
    for asked, picture in zip(recipes, together, strict=True):
        assert difference(picture, plain(sana_pipes["plain"], asked)) <= ONE_LEVEL


def test_a_picture_to_start_from_is_refused(sanas: dict[str, Family]) -> None:
    with pytest.raises(InvalidRequest, match="Sana model, which doesn't support start images"):
        sanas["plain"].begin(recipe(), InitImage(photo()))


def test_no_map_for_previews_is_known(sanas: dict[str, Family]) -> None:
    with torch.inference_mode():
        [sample] = sanas["plain"].begin(recipe())
        sanas["plain"].step([sample], lambda: None)
        assert sanas["plain"].preview(sample) is None
