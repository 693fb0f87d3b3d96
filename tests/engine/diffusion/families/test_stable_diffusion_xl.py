"""Stable Diffusion XL paints what Diffusers paints, alone and beside other samples."""

from typing import Any

import diffusers
import pytest
import torch

from engine.diffusion.families import Family
from engine.diffusion.families.stable_diffusion_xl import StableDiffusionXL
from engine.errors import ModelUnavailable
from engine.models.schedulers import SCHEDULERS
from tests.engine.builders import recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference, paint, parts
from tests.engine.diffusion.families.unet_pipelines import run_unet_pipeline

KINDS = ("xl", "xl distilled", "xl normalized")

Pipes = dict[str, Any]
Families = dict[str, Family]


@pytest.mark.parametrize("negative_prompt", ["", "a blue fish"])
@pytest.mark.parametrize("guidance_scale", [1.0, 6.5])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    unets: Families, unet_pipes: Pipes, kind: str, guidance_scale: float, negative_prompt: str
) -> None:
    asked = recipe(
        scheduler="default", guidance_scale=guidance_scale, negative_prompt=negative_prompt
    )
    [alone] = paint(unets[kind], asked)
    assert difference(alone, run_unet_pipeline(unet_pipes[kind], "", asked)) == 0


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_so_it_is_with_every_scheduler(unets: Families, unet_pipes: Pipes, scheduler: str) -> None:
    asked = recipe(scheduler=scheduler, num_inference_steps=3)
    [alone] = paint(unets["xl"], asked)
    assert difference(alone, run_unet_pipeline(unet_pipes["xl"], "", asked)) == 0


@pytest.mark.parametrize(("width", "height"), [(96, 64), (64, 96)])
def test_the_unet_is_told_height_and_width_of_the_picture(
    unets: Families, unet_pipes: Pipes, width: int, height: int
) -> None:
    asked = recipe(scheduler="euler", width=width, height=height)
    [alone] = paint(unets["xl"], asked)
    assert alone.shape == (height, width, 3)
    assert difference(alone, run_unet_pipeline(unet_pipes["xl"], "", asked)) == 0
    untold = run_unet_pipeline(unet_pipes["xl"], "", asked, original_size=(1024, 1024))
    assert difference(alone, untold) > ONE_LEVEL


def test_the_tiny_pictures_tell_settings_apart(unet_pipes: Pipes) -> None:
    """Else the comparisons of this file would show nothing."""
    base = recipe(negative_prompt="a blue fish", num_inference_steps=6, guidance_scale=20.0)
    for change in (
        {"negative_prompt": ""},
        {"prompt": "moon"},
        {"seed": 8},
        {"guidance_scale": 3.0},
        {"num_inference_steps": 7},
        {"scheduler": "euler_a"},
    ):
        values = {"negative_prompt": "a blue fish", "num_inference_steps": 6}
        other = recipe(**values | {"guidance_scale": 20.0} | change)
        apart = difference(
            *(run_unet_pipeline(unet_pipes["xl"], "", asked) for asked in (base, other))
        )
        assert apart > 2 * ONE_LEVEL, change


@pytest.mark.parametrize("kind", KINDS)
def test_samples_of_mixed_schedulers_steps_guidance_and_times_do_not_touch_each_other(
    unets: Families, kind: str
) -> None:
    recipes = [
        recipe(
            scheduler=scheduler,
            seed=100 + i,
            num_inference_steps=2 + i,
            guidance_scale=1.0 if i % 3 == 0 else 2.0 + i,
            prompt="a yellow moon" if i % 2 else "a red house under a tree",
            negative_prompt="fish" if i % 2 else "",
        )
        for i, scheduler in enumerate(("euler", "euler_a", "dpmpp_2m", "heun", "ddim"))
    ]
    together = paint(unets[kind], *recipes, after=[0, 1, 0, 2, 3])
    for asked, beside_others in zip(recipes, together, strict=True):
        [alone] = paint(unets[kind], asked)
        assert difference(alone, beside_others) <= ONE_LEVEL, asked.scheduler


def test_a_preview_is_a_small_picture(unets: Families) -> None:
    family = unets["xl"]
    with torch.inference_mode():
        [sample] = family.begin(recipe(scheduler="euler", width=96))
        family.step([sample], lambda: None)
        image = family.preview(sample)
    assert image is not None
    assert image.size == (12, 8)


def test_it_is_stepped(unets: Families) -> None:
    assert type(unets["xl"]) is StableDiffusionXL


def test_a_refiner_is_refused_with_a_sentence(unet_pipes: Pipes) -> None:
    """It has the second text encoder alone."""
    lacks = {"text_encoder": None, "tokenizer": None}
    refiner = diffusers.StableDiffusionXLPipeline(**unet_pipes["xl"].components | lacks)
    with pytest.raises(ModelUnavailable, match="Choose a base model"):
        StableDiffusionXL(refiner, parts(refiner), None).begin(recipe())
