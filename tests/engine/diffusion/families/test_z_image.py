"""Z-Image steps as its own pipelines do, whatever prompts share a batch."""

from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from engine.diffusion.families import InitImage, family_of
from engine.diffusion.families.z_image import ZImage
from engine.diffusion.latent_rgb import FLUX
from engine.diffusion.previews import LatentMap
from engine.jobs.recipe import Recipe
from engine.models.schedulers import allowed_schedulers
from tests.engine import builders as making
from tests.engine.diffusion.conftest import Image
from tests.engine.diffusion.families.parity import LONG, ONE_LEVEL, difference, paint, parts
from tests.engine.diffusion.families.unet_pipelines import photo, stencil
from tests.tiny.z_image import z_image


def recipe(**changes: Any) -> Recipe:
    return making.recipe(**{"scheduler": "default", "num_inference_steps": 3} | changes)


@pytest.fixture(scope="session")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = z_image(tmp_path_factory.mktemp("z-image"))
    pipe = diffusers.AutoPipelineForText2Image.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture
def family(pipe: Any) -> ZImage:
    return ZImage(pipe, parts(pipe), None)


def plain(pipe: Any, asked: Recipe, init_image: InitImage | None = None) -> Image:
    """What the `__call__` of Diffusers paints."""
    arguments: dict[str, Any] = {"width": asked.width, "height": asked.height}
    if init_image is not None:
        arguments |= {"image": init_image.image, "strength": asked.strength}
        kind = diffusers.ZImageImg2ImgPipeline
        if init_image.mask is not None:
            kind = diffusers.ZImageInpaintPipeline
            arguments["mask_image"] = init_image.mask
        pipe = kind(**pipe.components)
        pipe.set_progress_bar_config(disable=True)
    result = pipe(
        prompt=asked.prompt,
        negative_prompt=asked.negative_prompt,
        num_inference_steps=asked.num_inference_steps,
        guidance_scale=asked.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
        **arguments,
    )
    return np.asarray(result.images[0]).astype(np.int16)


@pytest.mark.parametrize("size", [{}, {"width": 96}], ids=["square", "wide"])
@pytest.mark.parametrize("guidance_scale", [0.0, 1.0, 5.0])
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    pipe: Any, family: ZImage, guidance_scale: float, size: dict[str, int]
) -> None:
    asked = recipe(prompt=LONG, negative_prompt="fish", guidance_scale=guidance_scale, **size)
    [alone] = paint(family, asked)
    assert alone.shape == (asked.height, asked.width, 3)
    assert difference(alone, plain(pipe, asked)) == 0


@pytest.mark.parametrize("masked", [False, True], ids=["all of it", "within a mask"])
@pytest.mark.parametrize("strength", [0.4, 0.7, 1.0])
@pytest.mark.parametrize("guidance_scale", [0.0, 5.0])
def test_a_picture_painted_over_another_is_the_one_that_the_pipeline_paints(
    pipe: Any, family: ZImage, guidance_scale: float, strength: float, masked: bool
) -> None:
    asked = recipe(
        image="photo",
        strength=strength,
        num_inference_steps=4,
        guidance_scale=guidance_scale,
        width=96,
    )
    init_image = InitImage(photo(96, 64), stencil(96, 64) if masked else None)
    [alone] = paint(family, asked, init_image=init_image)
    rounding = ONE_LEVEL if masked else 0  # equal latents, of another layout in memory there
    assert difference(alone, plain(pipe, asked, init_image)) <= rounding


@pytest.mark.parametrize("image", [None, "photo"])
def test_noise_is_drawn_in_the_precision_that_the_pipeline_draws_it_in(
    pipe: Any, family: ZImage, monkeypatch: pytest.MonkeyPatch, image: str | None
) -> None:
    """In another precision the same seed gives other noise."""
    monkeypatch.setattr(type(pipe.transformer), "dtype", torch.bfloat16)
    noise = family.new_noise(recipe(image=image), torch.Generator("cpu").manual_seed(7))
    assert noise.dtype == (torch.bfloat16 if image else torch.float32)


def test_the_tiny_pictures_tell_settings_apart(pipe: Any) -> None:
    """Else the comparisons of this file would show nothing."""
    base = recipe(negative_prompt="a blue fish")
    first = plain(pipe, base)
    for other in (
        recipe(),
        recipe(negative_prompt="a blue fish", prompt="moon"),
        recipe(negative_prompt="a blue fish", seed=8),
        recipe(negative_prompt="a blue fish", guidance_scale=1.0),
        recipe(negative_prompt="a blue fish", num_inference_steps=4),
    ):
        assert difference(first, plain(pipe, other)) > 4 * ONE_LEVEL
    over = recipe(strength=0.4)
    one, another, within = (
        plain(pipe, over, init_image)
        for init_image in (
            InitImage(photo()),
            InitImage(photo(seed=4)),
            InitImage(photo(), stencil()),
        )
    )
    assert difference(one, another) > 4 * ONE_LEVEL
    assert difference(one, within) > 4 * ONE_LEVEL


def test_samples_of_mixed_prompts_schedulers_guidance_and_times_do_not_touch_each_other(
    family: ZImage,
) -> None:
    """Prompts of one and of several tens of tokens are padded differently beside each other."""
    recipes = [
        recipe(
            scheduler=scheduler,
            seed=100 + i,
            num_inference_steps=2 + i,
            guidance_scale=0.0 if i % 3 == 0 else 2.0 + i,
            prompt=LONG if i % 2 else "moon",
            negative_prompt=LONG if i % 4 == 2 else "",
        )
        for i, scheduler in enumerate(allowed_schedulers("z-image"))
    ]
    together = paint(family, *recipes, after=[0, 1, 0, 2, 3])
    for i, asked in enumerate(recipes):
        [alone] = paint(family, asked)
        assert difference(alone, together[i]) <= ONE_LEVEL, asked.scheduler


def test_it_is_stepped_and_previewed_by_the_map_of_flux(pipe: Any) -> None:
    family = family_of(pipe, parts(pipe), None)
    assert isinstance(family, ZImage)
    assert family._previewer is FLUX, "they share their autoencoder"


def test_a_preview_is_a_small_picture(pipe: Any) -> None:
    family = ZImage(pipe, parts(pipe), LatentMap(torch.ones(4, 3), torch.zeros(3)))
    with torch.inference_mode():
        [sample] = family.begin(recipe(width=96))
        family.step([sample], lambda: None)
        image = family.preview(sample)
    assert image is not None
    assert image.size == (12, 8)
