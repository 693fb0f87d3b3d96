"""Qwen-Image paints what Diffusers paints, in half as many calls of the transformer."""

from functools import partial
from typing import Any

import diffusers
import pytest
import torch

from engine.diffusion.families import InitImage, family_of
from engine.diffusion.families.qwen_image import QwenImage
from engine.diffusion.latent_rgb import QWEN_IMAGE
from engine.diffusion.previews import LatentMap
from engine.jobs.recipe import Recipe
from engine.models.schedulers import allowed_schedulers
from tests.engine.diffusion.families.parity import (
    ONE_LEVEL,
    Image,
    difference,
    paint,
    parts,
)
from tests.engine.diffusion.families.transformer_pipelines import (
    check_samples_do_not_touch_each_other,
    check_settings_are_told_apart,
    levels,
    recipe,
    run_pipeline,
)
from tests.engine.diffusion.families.unet_pipelines import photo, stencil
from tests.tiny.qwen_image import qwen_image

UNGUIDED, GUIDED = 1.0, 6.5

AT_MOST = {UNGUIDED: 0, GUIDED: ONE_LEVEL}
"""Levels: the pipeline calls the transformer once for each prompt, we once for both, which rounds
the last bit of a sum differently."""


@pytest.fixture(scope="session")
def pipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The pipeline by precision."""
    folder = qwen_image(tmp_path_factory.mktemp("qwen-image"))
    load = diffusers.AutoPipelineForText2Image.from_pretrained
    return {"single": load(folder), "half": load(folder, dtype=torch.bfloat16)}


@pytest.fixture(scope="session")
def families(pipes: dict[str, Any]) -> dict[str, QwenImage]:
    return {kind: QwenImage(pipe, parts(pipe), None) for kind, pipe in pipes.items()}


@pytest.fixture(scope="session")
def pipe(pipes: dict[str, Any]) -> Any:
    return pipes["single"]


@pytest.fixture(scope="session")
def family(families: dict[str, QwenImage]) -> QwenImage:
    return families["single"]


def plain(pipe: Any, asked: Recipe, init_image: InitImage | None = None) -> Image:
    """What the pipeline for the task paints by its own call, with a blank as the model card has."""
    guidance = {
        "negative_prompt": asked.negative_prompt or " ",
        "true_cfg_scale": asked.guidance_scale,
    }
    if init_image is None:
        return levels(run_pipeline(diffusers.QwenImagePipeline, pipe, asked, **guidance))
    picture = {"image": init_image.image, "strength": asked.strength}
    task = diffusers.QwenImageImg2ImgPipeline
    if init_image.mask is not None:
        task = diffusers.QwenImageInpaintPipeline
        picture["mask_image"] = init_image.mask
    return levels(run_pipeline(task, pipe, asked, **guidance, **picture))


@pytest.mark.parametrize("negative_prompt", ["", "a blue fish"])
@pytest.mark.parametrize("guidance_scale", [UNGUIDED, GUIDED])
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    pipe: Any, family: QwenImage, guidance_scale: float, negative_prompt: str
) -> None:
    asked = recipe(negative_prompt=negative_prompt, guidance_scale=guidance_scale, width=96)
    [alone] = paint(family, asked)
    assert alone.shape == (64, 96, 3)
    assert difference(alone, plain(pipe, asked)) <= AT_MOST[guidance_scale]


@pytest.mark.parametrize("init_image", [None, InitImage(photo(64, 64))], ids=["prompt", "picture"])
def test_so_it_is_in_half_precision(
    pipes: dict[str, Any], families: dict[str, QwenImage], init_image: InitImage | None
) -> None:
    """Noise is drawn in it as well: in another one the same seed gives other noise."""
    asked = recipe(guidance_scale=UNGUIDED, strength=0.75, num_inference_steps=4)
    [alone] = paint(families["half"], asked, init_image=init_image)
    assert difference(alone, plain(pipes["half"], asked, init_image)) == 0


@pytest.mark.parametrize("strength", [0.3, 0.75, 1.0])
@pytest.mark.parametrize("guidance_scale", [UNGUIDED, GUIDED])
def test_a_picture_painted_over_another_is_the_one_that_the_pipeline_paints(
    pipe: Any, family: QwenImage, guidance_scale: float, strength: float
) -> None:
    asked = recipe(
        image="photo",
        strength=strength,
        num_inference_steps=4,
        guidance_scale=guidance_scale,
        width=96,
    )
    init_image = InitImage(photo(64, 64))
    [alone] = paint(family, asked, init_image=init_image)
    assert difference(alone, plain(pipe, asked, init_image)) <= AT_MOST[guidance_scale]
    [other] = paint(family, asked, init_image=InitImage(photo(64, 64, seed=4)))
    assert (difference(alone, other) > 4 * ONE_LEVEL) == (strength < 1)


@pytest.mark.parametrize("strength", [0.75, 1.0])
@pytest.mark.parametrize("kind", ["single", "half"])
def test_a_picture_painted_within_a_mask_is_the_one_that_the_pipeline_paints(
    pipes: dict[str, Any], families: dict[str, QwenImage], kind: str, strength: float
) -> None:
    asked = recipe(strength=strength, width=96, num_inference_steps=4, guidance_scale=UNGUIDED)
    init_image = InitImage(photo(96, 64), stencil(96, 64))
    [alone] = paint(families[kind], asked, init_image=init_image)
    assert difference(alone, plain(pipes[kind], asked, init_image)) == 0
    [everywhere] = paint(families[kind], asked, init_image=InitImage(init_image.image))
    assert difference(alone, everywhere) > 10 * ONE_LEVEL


def test_the_tiny_pictures_tell_settings_apart(pipe: Any) -> None:
    check_settings_are_told_apart(partial(plain, pipe))


def test_samples_of_mixed_prompts_schedulers_guidance_and_times_do_not_touch_each_other(
    pipe: Any, family: QwenImage
) -> None:
    """Prompts of one and of several tens of tokens are padded differently beside each other."""
    check_samples_do_not_touch_each_other(family, partial(plain, pipe), (1.0, 4.0, 9.0))


def test_every_scheduler_that_fits_paints_with_and_without_a_picture(family: QwenImage) -> None:
    for scheduler in allowed_schedulers("qwen-image"):
        asked = recipe(scheduler=scheduler, num_inference_steps=4, strength=0.5)
        for init_image in (None, InitImage(photo(64, 64))):
            [picture] = paint(family, asked, init_image=init_image)
            assert picture.std() > 10 * ONE_LEVEL, scheduler


def test_it_is_stepped_and_previewed_by_its_own_map(pipe: Any) -> None:
    family = family_of(pipe, parts(pipe), None)
    assert isinstance(family, QwenImage)
    assert family._previewer is QWEN_IMAGE
    assert QWEN_IMAGE.channels == 16


def test_a_preview_has_a_pixel_for_each_latent(pipe: Any) -> None:
    family = QwenImage(pipe, parts(pipe), LatentMap(torch.ones(4, 3), torch.zeros(3)))
    with torch.inference_mode():
        [sample] = family.begin(recipe(width=96))
        family.step([sample], lambda: None)
        image = family.preview(sample)
    assert image is not None
    assert image.size == (12, 8)
