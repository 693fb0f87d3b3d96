"""Painting within a mask is what Diffusers' inpainting pipelines do, with four channels or nine."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.diffusion.families import Family, InitImage
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.errors import InvalidRequest
from engine.models.families import FAMILIES, FamilyFacts
from tests.engine.builders import recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference, paint, parts
from tests.engine.diffusion.families.unet_pipelines import photo, run_unet_pipeline, stencil

KINDS = ("sd", "sd sees masks", "xl", "xl sees masks")
CASES = [
    *((scheduler, 0.6) for scheduler in ("ddim", "euler", "euler_a", "dpmpp_2m", "heun", "lcm")),
    ("default", 1.0),
    ("euler_a", 1.0),
]

Pipes = dict[str, Any]
Families = dict[str, Family]


@pytest.mark.parametrize(("scheduler", "strength"), CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_painted_alone_it_is_what_the_pipeline_paints(
    unets: Families, unet_pipes: Pipes, kind: str, scheduler: str, strength: float
) -> None:
    asked = recipe(scheduler=scheduler, strength=strength, negative_prompt="fish")
    [alone] = paint(unets[kind], asked, init_image=InitImage(photo(), stencil()))
    expected = run_unet_pipeline(
        unet_pipes[kind], "Inpaint", asked, image=photo(), mask_image=stencil()
    )
    assert difference(alone, expected) == 0


@pytest.mark.parametrize("guidance_scale", [1.0, 6.5])
@pytest.mark.parametrize("kind", ["sd distilled", "sd sees masks", "xl distilled", "xl sees masks"])
def test_picture_and_mask_of_other_sizes_are_resized_as_there(
    unets: Families, unet_pipes: Pipes, kind: str, guidance_scale: float
) -> None:
    asked = recipe(scheduler="euler_a", guidance_scale=guidance_scale, strength=0.8, width=96)
    init_image = InitImage(photo(128, 128), stencil(200, 120))
    [alone] = paint(unets[kind], asked, init_image=init_image)
    expected = run_unet_pipeline(
        unet_pipes[kind], "Inpaint", asked, image=init_image.image, mask_image=init_image.mask
    )
    assert difference(alone, expected) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_tiny_pictures_tell_masks_apart(unets: Families, kind: str) -> None:
    """Else the comparisons of this file would show nothing."""
    asked = recipe(strength=0.8)
    [base] = paint(unets[kind], asked, init_image=InitImage(photo(), stencil()))
    [other] = paint(unets[kind], asked, init_image=InitImage(photo(), stencil().rotate(180)))
    [stronger] = paint(unets[kind], recipe(), init_image=InitImage(photo(), stencil()))
    assert difference(base, other) > 2 * ONE_LEVEL
    assert difference(base, stronger) > 2 * ONE_LEVEL


@pytest.mark.parametrize("kind", ["sd", "xl"])
def test_a_black_mask_keeps_the_picture_whatever_the_prompt(unets: Families, kind: str) -> None:
    init_image = InitImage(photo(), Image.new("L", (64, 64)))
    [moon], [fish] = (
        paint(unets[kind], recipe(prompt=prompt, strength=0.8), init_image=init_image)
        for prompt in ("a yellow moon", "a blue fish")
    )
    assert difference(moon, fish) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_beside_other_samples_it_stays_that_picture(unets: Families, kind: str) -> None:
    recipes = [
        recipe(scheduler=scheduler, seed=i, strength=0.4 + 0.3 * i, num_inference_steps=3 + i)
        for i, scheduler in enumerate(("euler_a", "dpmpp_2m", "heun"))
    ]
    init_image = InitImage(photo(), stencil())
    together = paint(unets[kind], *recipes, after=[0, 1, 0], init_image=init_image)
    for asked, beside_others in zip(recipes, together, strict=True):
        [alone] = paint(unets[kind], asked, init_image=init_image)
        assert difference(alone, beside_others) <= ONE_LEVEL


@torch.inference_mode()
def test_samples_with_and_without_a_mask_share_a_batch(unets: Families) -> None:
    family = unets["sd"]
    init_images = (None, InitImage(photo()), InitImage(photo(), stencil()))
    samples = [
        sample for init_image in init_images for sample in family.begin(recipe(), init_image)
    ]
    assert len({family.batch_key(sample) for sample in samples}) == 1
    while not all(sample.done for sample in samples):
        family.step(samples, lambda: None)
    for sample, init_image in zip(samples, init_images, strict=True):
        [alone] = paint(family, recipe(), init_image=init_image)
        together = np.asarray(family.finish(sample)).astype(np.int16)
        assert difference(alone, together) <= ONE_LEVEL


@pytest.mark.parametrize("kind", ["sd sees masks", "xl sees masks"])
def test_without_a_mask_an_inpainting_model_paints_the_whole_picture(
    unets: Families, unet_pipes: Pipes, kind: str
) -> None:
    """With a white mask, behind which it makes no difference what is hidden."""
    white = Image.new("L", (96, 64), 255)
    for image, asked in (
        (None, recipe(scheduler="euler_a", width=96)),
        (photo(96), recipe(scheduler="euler_a", width=96, strength=0.5)),
    ):
        [whole] = paint(unets[kind], asked, init_image=InitImage(image) if image else None)
        shown = image or photo(96, seed=9)
        expected = run_unet_pipeline(
            unet_pipes[kind], "Inpaint", asked, image=shown, mask_image=white
        )
        assert difference(whole, expected) == 0


def test_a_family_that_cannot_do_it_says_so(unet_pipes: Pipes) -> None:
    class Plain(StableDiffusion):
        family = "pixart-sigma"

    class Starting(StableDiffusion):
        @property
        def facts(self) -> FamilyFacts:
            return replace(super().facts, inpaint=False)

    assert not FAMILIES[Plain.family].image_to_image
    pipe = unet_pipes["sd"]
    with pytest.raises(InvalidRequest, match=r"doesn't support start images\. .*\.$"):
        Plain(pipe, parts(pipe), None).begin(recipe(), InitImage(photo()))
    with pytest.raises(InvalidRequest, match=r"doesn't support masks\. .*\.$"):
        Starting(pipe, parts(pipe), None).begin(recipe(), InitImage(photo(), stencil()))
