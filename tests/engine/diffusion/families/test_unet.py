"""A picture that starts from another is the one that Diffusers' image-to-image paints."""

from typing import Any

import pytest
import torch

from engine.diffusion.families import Family, InitImage
from tests.engine.builders import recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference, paint
from tests.engine.diffusion.families.unet_pipelines import photo, run_unet_pipeline

KINDS = ("sd", "xl")
CASES = [
    *((scheduler, 0.75) for scheduler in ("ddim", "euler", "euler_a", "dpmpp_2m", "heun", "lcm")),
    ("default", 0.3),
    ("heun", 0.3),
    ("euler", 1.0),
]

Pipes = dict[str, Any]
Families = dict[str, Family]


@pytest.mark.parametrize(("scheduler", "strength"), CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_painted_alone_it_is_what_the_pipeline_paints(
    unets: Families, unet_pipes: Pipes, kind: str, scheduler: str, strength: float
) -> None:
    asked = recipe(scheduler=scheduler, strength=strength, negative_prompt="fish")
    [alone] = paint(unets[kind], asked, init_image=InitImage(photo()))
    assert (
        difference(alone, run_unet_pipeline(unet_pipes[kind], "Img2Img", asked, image=photo())) == 0
    )


@pytest.mark.parametrize("kind", ["sd distilled", "xl distilled", "xl normalized"])
@pytest.mark.parametrize("guidance_scale", [1.0, 6.5])
def test_so_it_is_for_further_kinds_and_without_guidance(
    unets: Families, unet_pipes: Pipes, kind: str, guidance_scale: float
) -> None:
    asked = recipe(scheduler="euler_a", strength=0.6, guidance_scale=guidance_scale, width=96)
    init_image = InitImage(photo(96))
    [alone] = paint(unets[kind], asked, init_image=init_image)
    expected = run_unet_pipeline(unet_pipes[kind], "Img2Img", asked, image=init_image.image)
    assert difference(alone, expected) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_tiny_pictures_tell_picture_and_strength_apart(unets: Families, kind: str) -> None:
    asked = recipe(strength=0.5)
    [base] = paint(unets[kind], asked, init_image=InitImage(photo()))
    [of_another] = paint(unets[kind], asked, init_image=InitImage(photo(seed=4)))
    [stronger] = paint(unets[kind], recipe(strength=0.9), init_image=InitImage(photo()))
    assert difference(base, of_another) > 2 * ONE_LEVEL
    assert difference(base, stronger) > 2 * ONE_LEVEL


@pytest.mark.parametrize("kind", KINDS)
def test_beside_other_samples_it_stays_that_picture(unets: Families, kind: str) -> None:
    recipes = [
        recipe(scheduler=scheduler, seed=i, strength=0.4 + i / 5, num_inference_steps=3 + i)
        for i, scheduler in enumerate(("euler_a", "dpmpp_2m", "heun"))
    ]
    together = paint(unets[kind], *recipes, after=[0, 1, 0], init_image=InitImage(photo()))
    for asked, beside_others in zip(recipes, together, strict=True):
        [alone] = paint(unets[kind], asked, init_image=InitImage(photo()))
        assert difference(alone, beside_others) <= ONE_LEVEL


def test_a_picture_of_another_size_is_brought_to_the_recipe_s(unets: Families) -> None:
    [image] = paint(
        unets["sd"], recipe(strength=0.5, width=96), init_image=InitImage(photo(256, 128))
    )
    assert image.shape == (64, 96, 3)


def test_the_least_strength_still_takes_a_step(unets: Families) -> None:
    with torch.inference_mode():
        [sample] = unets["sd"].begin(recipe(strength=0.05), InitImage(photo()))
    assert sample.total_steps == 1


def test_a_vae_in_another_precision_than_the_unet_is_used_in_its_own(
    unets: Families, unet_pipes: Pipes
) -> None:
    """As the loader leaves it where half precision would overflow."""
    vae = unet_pipes["xl"].vae
    asked = recipe(scheduler="euler", strength=0.5)
    [expected] = paint(unets["xl"], asked)
    vae.to(torch.float64)
    try:
        [image] = paint(unets["xl"], asked)
        [from_picture] = paint(unets["xl"], asked, init_image=InitImage(photo()))
    finally:
        vae.to(torch.float32)
    assert difference(image, expected) <= ONE_LEVEL
    assert difference(from_picture, expected) > ONE_LEVEL
