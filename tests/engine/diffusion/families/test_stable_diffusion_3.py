"""Stable Diffusion 3 paints what Diffusers paints, with T5 and without, at 3's shift and 3.5's."""

from typing import Any

import diffusers
import pytest
import torch

from engine.diffusion.families import Family, InitImage, family_of
from engine.diffusion.families.stable_diffusion_3 import StableDiffusion3
from engine.jobs.recipe import Recipe
from engine.models.schedulers import allowed_schedulers
from tests.engine.diffusion.families.parity import ONE_LEVEL, Image, difference, paint, parts
from tests.engine.diffusion.families.transformer_pipelines import levels, recipe, run_pipeline
from tests.engine.diffusion.families.unet_pipelines import photo, stencil
from tests.tiny.sd3 import sd3

KINDS = ("3", "3.5", "half precision")


@pytest.fixture(scope="session")
def three_pipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The pipelines by kind; 3.5 is the one without T5."""
    new = tmp_path_factory.mktemp
    three = sd3(new("3"))
    three_and_a_half = sd3(new("3.5"), with_t5=False, dynamic_shifting=True)
    load = diffusers.StableDiffusion3Pipeline.from_pretrained
    return {
        "3": load(three),
        "3.5": load(three_and_a_half, text_encoder_3=None, tokenizer_3=None),
        "half precision": load(three, dtype=torch.bfloat16),
    }


@pytest.fixture(scope="session")
def threes(three_pipes: dict[str, Any]) -> dict[str, Family]:
    return {kind: family_of(pipe, parts(pipe), None) for kind, pipe in three_pipes.items()}


def plain(pipe: Any, asked: Recipe, init_image: InitImage | None = None) -> Image:
    """What the pipeline for the task paints by its own call."""
    negative = {"negative_prompt": asked.negative_prompt}
    if init_image is None:
        return levels(run_pipeline(diffusers.StableDiffusion3Pipeline, pipe, asked, **negative))
    picture = {"image": init_image.image, "strength": asked.strength, **negative}
    if init_image.mask is None:
        return levels(
            run_pipeline(diffusers.StableDiffusion3Img2ImgPipeline, pipe, asked, **picture)
        )
    picture |= {"mask_image": init_image.mask, "output_type": "latent"}
    return decoded(
        pipe, run_pipeline(diffusers.StableDiffusion3InpaintPipeline, pipe, asked, **picture)
    )


@torch.inference_mode()
def decoded(pipe: Any, latents: torch.Tensor) -> Image:
    """The picture of the latents, which `StableDiffusion3InpaintPipeline` decodes unshifted.

    In Diffusers 0.42 it divides them by the scale and forgets what the other pipelines add.
    """
    config = pipe.vae.config
    raw = latents[None] / config.scaling_factor + config.shift_factor
    return levels(pipe.image_processor.postprocess(pipe.vae.decode(raw).sample)[0])


@pytest.mark.parametrize("guidance_scale", [1.0, 6.5])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    threes: dict[str, Family], three_pipes: dict[str, Any], kind: str, guidance_scale: float
) -> None:
    asked = recipe(
        negative_prompt="a blue fish", guidance_scale=guidance_scale, width=96, height=64
    )
    assert isinstance(threes[kind], StableDiffusion3)
    [alone] = paint(threes[kind], asked)
    assert difference(alone, plain(three_pipes[kind], asked)) == 0


@pytest.mark.parametrize("strength", [0.3, 0.75, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_painted_from_another_is_the_one_that_the_pipeline_paints(
    threes: dict[str, Family], three_pipes: dict[str, Any], kind: str, strength: float
) -> None:
    asked = recipe(strength=strength, width=48, num_inference_steps=4)
    init_image = InitImage(photo())
    [alone] = paint(threes[kind], asked, init_image=init_image)
    assert difference(alone, plain(three_pipes[kind], asked, init_image)) == 0
    [other] = paint(threes[kind], asked, init_image=InitImage(photo(seed=4)))
    assert (difference(alone, other) > 2 * ONE_LEVEL) == (strength < 1)


@pytest.mark.parametrize("strength", [0.75, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_painted_within_a_mask_is_the_one_that_the_pipeline_paints(
    threes: dict[str, Family], three_pipes: dict[str, Any], kind: str, strength: float
) -> None:
    asked = recipe(strength=strength, width=96, num_inference_steps=4)
    init_image = InitImage(photo(96, 64), stencil(96, 64))
    [alone] = paint(threes[kind], asked, init_image=init_image)
    assert difference(alone, plain(three_pipes[kind], asked, init_image)) == 0
    [everywhere] = paint(threes[kind], asked, init_image=InitImage(init_image.image))
    assert difference(alone, everywhere) > 10 * ONE_LEVEL


@pytest.mark.parametrize("kind", ["3", "3.5"])
def test_samples_of_mixed_steps_guidance_prompts_and_times_do_not_touch_each_other(
    threes: dict[str, Family], three_pipes: dict[str, Any], kind: str
) -> None:
    recipes = [
        recipe(
            seed=100 + i,
            num_inference_steps=2 + i,
            guidance_scale=(1.0, 4.0, 9.0)[i % 3],
            prompt="a yellow moon" if i % 2 else "a red house under a yellow moon, a blue fish",
            negative_prompt="fish" if i % 4 else "",
        )
        for i in range(5)
    ]
    together = paint(threes[kind], *recipes, after=[0, 1, 0, 2, 5])
    for asked, picture in zip(recipes, together, strict=True):
        assert difference(picture, plain(three_pipes[kind], asked)) <= ONE_LEVEL


def test_samples_that_start_from_a_masked_picture_do_not_touch_each_other(
    threes: dict[str, Family], three_pipes: dict[str, Any]
) -> None:
    init_image = InitImage(photo(), stencil())
    recipes = [
        recipe(strength=strength, seed=i, num_inference_steps=4)
        for i, strength in enumerate((0.3, 0.6, 1.0))
    ]
    together = paint(threes["3.5"], *recipes, after=[1, 0, 2], init_image=init_image)
    for asked, picture in zip(recipes, together, strict=True):
        assert difference(picture, plain(three_pipes["3.5"], asked, init_image)) <= ONE_LEVEL


def test_the_tiny_pictures_tell_settings_apart(three_pipes: dict[str, Any]) -> None:
    """Else the comparisons of this file would show nothing."""
    base = {"negative_prompt": "a blue fish", "guidance_scale": 6.0}
    one = plain(three_pipes["3"], recipe(**base))
    for change in (
        {"negative_prompt": "moon"},
        {"prompt": "a red moon"},
        {"guidance_scale": 5.0},
        {"num_inference_steps": 4},
        {"seed": 8},
    ):
        other = plain(three_pipes["3"], recipe(**base | change))
        assert difference(one, other) > 10 * ONE_LEVEL, change


@pytest.mark.parametrize("kind", ["3", "3.5"])
def test_every_scheduler_that_fits_paints_with_and_without_a_picture(
    threes: dict[str, Family], kind: str
) -> None:
    for scheduler in allowed_schedulers("sd3"):
        asked = recipe(scheduler=scheduler, strength=0.7)
        for init_image in (None, InitImage(photo())):
            [picture] = paint(threes[kind], asked, init_image=init_image)
            assert picture.std() > 10 * ONE_LEVEL, scheduler


def test_a_preview_has_a_pixel_for_each_latent(threes: dict[str, Family]) -> None:
    family = threes["3"]
    with torch.inference_mode():
        [sample] = family.begin(recipe(width=96))
        assert family.preview(sample) is None, "nothing is known before the first step"
        family.step([sample], lambda: None)
        preview = family.preview(sample)
    assert preview is not None
    assert (preview.size, preview.mode) == ((12, 8), "RGB")
