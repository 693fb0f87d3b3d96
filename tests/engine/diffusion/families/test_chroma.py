"""Chroma paints what Diffusers paints, in half as many calls of the transformer."""

from functools import partial
from typing import Any

import diffusers
import pytest
import torch

from engine.diffusion.families import InitImage, family_of
from engine.diffusion.families.chroma import Chroma
from engine.diffusion.latent_rgb import FLUX
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
from tests.tiny.chroma import chroma

UNGUIDED, GUIDED = 1.0, 6.5

AT_MOST = {UNGUIDED: 0, GUIDED: ONE_LEVEL}
"""Levels: the pipeline calls the transformer once for each prompt, we once for both, which rounds
the last bit of a sum differently."""


@pytest.fixture(scope="session")
def pipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The pipeline by precision."""
    folder = chroma(tmp_path_factory.mktemp("chroma"))
    load = diffusers.AutoPipelineForText2Image.from_pretrained
    return {"single": load(folder), "half": load(folder, dtype=torch.bfloat16)}


@pytest.fixture(scope="session")
def families(pipes: dict[str, Any]) -> dict[str, Chroma]:
    return {kind: Chroma(pipe, parts(pipe), None) for kind, pipe in pipes.items()}


@pytest.fixture(scope="session")
def pipe(pipes: dict[str, Any]) -> Any:
    return pipes["single"]


@pytest.fixture(scope="session")
def family(families: dict[str, Chroma]) -> Chroma:
    return families["single"]


def plain(pipe: Any, asked: Recipe, init_image: InitImage | None = None) -> Image:
    """What the pipeline for the task paints by its own call."""
    options: dict[str, Any] = {"negative_prompt": asked.negative_prompt}
    if init_image is None:
        return levels(run_pipeline(diffusers.ChromaPipeline, pipe, asked, **options))
    options |= {"image": init_image.image, "strength": asked.strength}
    kind = diffusers.ChromaImg2ImgPipeline
    if init_image.mask is not None:
        kind = diffusers.ChromaInpaintPipeline
        # It looks this up, and Chroma's transformer has no such setting.
        pipe.transformer.register_to_config(guidance_embeds=False)
        options |= {"mask_image": init_image.mask, "max_sequence_length": 512}
    return levels(run_pipeline(kind, pipe, asked, **options))


@pytest.mark.parametrize("negative_prompt", ["", "a blue fish"])
@pytest.mark.parametrize("guidance_scale", [UNGUIDED, GUIDED])
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    pipe: Any, family: Chroma, guidance_scale: float, negative_prompt: str
) -> None:
    asked = recipe(negative_prompt=negative_prompt, guidance_scale=guidance_scale, width=96)
    [alone] = paint(family, asked)
    assert alone.shape == (64, 96, 3)
    assert difference(alone, plain(pipe, asked)) <= AT_MOST[guidance_scale]


@pytest.mark.parametrize("init_image", [None, InitImage(photo(64, 64))], ids=["prompt", "picture"])
def test_so_it_is_in_half_precision(
    pipes: dict[str, Any], families: dict[str, Chroma], init_image: InitImage | None
) -> None:
    """Noise is drawn in it as well, and times are rounded to it."""
    image = None if init_image is None else "photo"
    asked = recipe(
        guidance_scale=UNGUIDED, strength=0.75, num_inference_steps=4, image=image, seed=3
    )
    [alone] = paint(families["half"], asked, init_image=init_image)
    assert difference(alone, plain(pipes["half"], asked, init_image)) == 0


@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("strength", [0.3, 1.0])
@pytest.mark.parametrize("guidance_scale", [UNGUIDED, GUIDED])
def test_a_picture_painted_over_another_is_the_one_that_the_pipeline_paints(
    pipe: Any, family: Chroma, guidance_scale: float, strength: float, masked: bool
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
    assert difference(alone, plain(pipe, asked, init_image)) <= AT_MOST[guidance_scale]


def test_the_tiny_pictures_tell_settings_apart(pipe: Any) -> None:
    check_settings_are_told_apart(partial(plain, pipe))


def test_samples_of_mixed_prompts_schedulers_guidance_and_times_do_not_touch_each_other(
    pipe: Any, family: Chroma
) -> None:
    check_samples_do_not_touch_each_other(family, partial(plain, pipe), (1.0, 4.0, 9.0))


def test_every_scheduler_that_fits_paints(family: Chroma) -> None:
    for scheduler in allowed_schedulers("chroma"):
        asked = recipe(scheduler=scheduler, num_inference_steps=4, strength=0.5)
        for init_image in (None, InitImage(photo(64, 64))):
            [picture] = paint(family, asked, init_image=init_image)
            assert picture.std() > 10 * ONE_LEVEL, scheduler


def test_it_is_stepped_and_previewed_like_flux(pipe: Any) -> None:
    family = family_of(pipe, parts(pipe), None)
    assert isinstance(family, Chroma)
    assert family._previewer is FLUX
