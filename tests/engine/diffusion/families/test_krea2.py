"""Krea 2 paints what Diffusers paints, in half as many calls of the transformer."""

from functools import partial
from typing import Any

import diffusers
import pytest
import torch

from engine.diffusion.families import family_of
from engine.diffusion.families.krea2 import Krea2
from engine.diffusion.latent_rgb import QWEN_IMAGE
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
from tests.tiny.krea2 import LAYERS, krea2

UNGUIDED, GUIDED = 0.0, 4.5

SETTINGS = {"text_encoder_select_layers": LAYERS}

AT_MOST = {UNGUIDED: 0, GUIDED: ONE_LEVEL}
"""Levels: the pipeline calls the transformer once for each prompt, we once for both, which rounds
the last bit of a sum differently."""


@pytest.fixture(scope="session")
def pipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The pipeline by precision, and the distilled one."""
    new = tmp_path_factory.mktemp
    folder = krea2(new("krea2"))
    load = diffusers.AutoPipelineForText2Image.from_pretrained
    return {
        "single": load(folder),
        "half": load(folder, dtype=torch.bfloat16),
        "turbo": load(krea2(new("turbo"), distilled=True)),
    }


@pytest.fixture(scope="session")
def families(pipes: dict[str, Any]) -> dict[str, Krea2]:
    return {kind: Krea2(pipe, parts(pipe), None) for kind, pipe in pipes.items()}


@pytest.fixture(scope="session")
def pipe(pipes: dict[str, Any]) -> Any:
    return pipes["single"]


@pytest.fixture(scope="session")
def family(families: dict[str, Krea2]) -> Krea2:
    return families["single"]


def plain(pipe: Any, asked: Recipe) -> Image:
    """What the pipeline paints by its own call."""
    options = {"negative_prompt": asked.negative_prompt}
    caller = partial(diffusers.Krea2Pipeline, **SETTINGS, is_distilled=pipe.config.is_distilled)
    return levels(run_pipeline(caller, pipe, asked, **options))


@pytest.mark.parametrize("negative_prompt", ["", "a blue fish"])
@pytest.mark.parametrize("guidance_scale", [UNGUIDED, GUIDED])
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    pipe: Any, family: Krea2, guidance_scale: float, negative_prompt: str
) -> None:
    asked = recipe(negative_prompt=negative_prompt, guidance_scale=guidance_scale, width=96)
    [alone] = paint(family, asked)
    assert alone.shape == (64, 96, 3)
    assert difference(alone, plain(pipe, asked)) <= AT_MOST[guidance_scale]


def test_so_it_is_in_half_precision(pipes: dict[str, Any], families: dict[str, Krea2]) -> None:
    """Noise is drawn in it as well, and times are rounded to it."""
    asked = recipe(guidance_scale=UNGUIDED, num_inference_steps=4, seed=3)
    [alone] = paint(families["half"], asked)
    assert difference(alone, plain(pipes["half"], asked)) == 0


def test_turbo_shifts_sigmas_by_the_same_for_all_sizes(
    pipes: dict[str, Any], families: dict[str, Krea2]
) -> None:
    asked = recipe(guidance_scale=UNGUIDED, num_inference_steps=4, width=96)
    [turbo] = paint(families["turbo"], asked)
    assert difference(turbo, plain(pipes["turbo"], asked)) == 0
    assert difference(turbo, plain(pipes["single"], asked)) > 4 * ONE_LEVEL


def test_the_tiny_pictures_tell_settings_apart(pipe: Any) -> None:
    check_settings_are_told_apart(partial(plain, pipe), unguided=0.0)


def test_samples_of_mixed_prompts_schedulers_guidance_and_times_do_not_touch_each_other(
    pipe: Any, family: Krea2
) -> None:
    check_samples_do_not_touch_each_other(family, partial(plain, pipe), (0.0, 1.0, 6.0))


def test_every_scheduler_that_fits_paints(family: Krea2) -> None:
    for scheduler in allowed_schedulers("krea2"):
        asked = recipe(scheduler=scheduler, num_inference_steps=4)
        [picture] = paint(family, asked)
        assert picture.std() > 10 * ONE_LEVEL, scheduler


def test_it_is_stepped_and_previewed_like_qwen_image(pipe: Any) -> None:
    family = family_of(pipe, parts(pipe), None)
    assert isinstance(family, Krea2)
    assert family._previewer is QWEN_IMAGE
