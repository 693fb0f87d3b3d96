"""Lumina-Image 2.0 paints what Diffusers paints, with its system prompt and normalised guidance."""

from typing import Any

import diffusers
import pytest
import torch

from engine.diffusion.families import Family, InitImage, family_of
from engine.diffusion.families.lumina2 import Lumina2
from engine.errors import InvalidRequest
from engine.jobs.recipe import Recipe
from engine.models.schedulers import allowed_schedulers
from tests.engine.diffusion.families.parity import ONE_LEVEL, Image, difference, paint, parts
from tests.engine.diffusion.families.transformer_pipelines import levels, recipe, run_pipeline
from tests.engine.diffusion.families.unet_pipelines import photo
from tests.tiny.lumina2 import lumina2

KINDS = ("fixed shift", "dynamic shift")

UNGUIDED, GUIDED = 1.0, 6.5

AT_MOST = {UNGUIDED: 0, GUIDED: ONE_LEVEL}
"""Levels: the pipeline calls the transformer once for each prompt, we once for both, which rounds
the last bit of a sum differently."""


@pytest.fixture(scope="session")
def pipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The pipelines by kind."""
    new = tmp_path_factory.mktemp
    folder = lumina2(new("lumina2"))
    load = diffusers.AutoPipelineForText2Image.from_pretrained
    return {
        "fixed shift": load(folder),
        "dynamic shift": load(lumina2(new("lumina2"), dynamic_shifting=True)),
        "half precision": load(folder, dtype=torch.bfloat16),
    }


@pytest.fixture(scope="session")
def families(pipes: dict[str, Any]) -> dict[str, Family]:
    return {kind: family_of(pipe, parts(pipe), None) for kind, pipe in pipes.items()}


def plain(pipe: Any, asked: Recipe, **arguments: Any) -> Image:
    """What the pipeline paints by its own call."""
    negative = {"negative_prompt": asked.negative_prompt}
    return levels(run_pipeline(diffusers.Lumina2Pipeline, pipe, asked, **negative, **arguments))


@pytest.mark.parametrize("negative_prompt", ["", "a blue fish"])
@pytest.mark.parametrize("guidance_scale", [UNGUIDED, GUIDED])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    families: dict[str, Family],
    pipes: dict[str, Any],
    kind: str,
    guidance_scale: float,
    negative_prompt: str,
) -> None:
    asked = recipe(negative_prompt=negative_prompt, guidance_scale=guidance_scale, width=96)
    assert isinstance(families[kind], Lumina2)
    [alone] = paint(families[kind], asked)
    assert alone.shape == (64, 96, 3)
    assert difference(alone, plain(pipes[kind], asked)) <= AT_MOST[guidance_scale]


def test_so_it_is_in_half_precision(families: dict[str, Family], pipes: dict[str, Any]) -> None:
    """Noise is drawn in it as well: in another one the same seed gives other noise."""
    asked = recipe(guidance_scale=UNGUIDED, num_inference_steps=4)
    [alone] = paint(families["half precision"], asked)
    assert difference(alone, plain(pipes["half precision"], asked)) == 0


def test_guidance_is_normalised_and_the_system_prompt_is_the_pipelines(
    families: dict[str, Family], pipes: dict[str, Any]
) -> None:
    [alone] = paint(families["fixed shift"], recipe(guidance_scale=GUIDED))
    for other in ({"cfg_normalization": False}, {"cfg_trunc_ratio": 0.5}, {"system_prompt": "x"}):
        changed = plain(pipes["fixed shift"], recipe(guidance_scale=GUIDED), **other)
        assert difference(alone, changed) > 4 * ONE_LEVEL, other


def test_the_tiny_pictures_tell_settings_apart(pipes: dict[str, Any]) -> None:
    """Else the comparisons of this file would show nothing."""
    changes: list[dict[str, Any]] = [
        {"prompt": "moon"},
        {"negative_prompt": "a blue fish"},
        {"guidance_scale": 3.0},
        {"num_inference_steps": 4},
        {"seed": 8},
    ]
    one = plain(pipes["fixed shift"], recipe())
    for change in changes:
        other = plain(pipes["fixed shift"], recipe(**change))
        assert difference(one, other) > 4 * ONE_LEVEL, change
    assert difference(one, plain(pipes["dynamic shift"], recipe())) > 4 * ONE_LEVEL


def test_samples_of_mixed_steps_guidance_prompts_and_times_do_not_touch_each_other(
    families: dict[str, Family], pipes: dict[str, Any]
) -> None:
    """Prompts of few and of many tokens are padded differently beside each other."""
    recipes = [
        recipe(
            seed=100 + i,
            num_inference_steps=2 + i,
            guidance_scale=(1.0, 4.0, 9.0)[i % 3],
            prompt="moon" if i % 2 else "a red house under a yellow moon, a blue fish",
            negative_prompt="fish" if i % 4 else "",
        )
        for i in range(5)
    ]
    together = paint(families["fixed shift"], *recipes, after=[0, 1, 0, 2, 5])
    for asked, picture in zip(recipes, together, strict=True):
        assert difference(picture, plain(pipes["fixed shift"], asked)) <= ONE_LEVEL


def test_every_scheduler_that_fits_paints(families: dict[str, Family]) -> None:
    for scheduler in allowed_schedulers("lumina2"):
        [picture] = paint(families["fixed shift"], recipe(scheduler=scheduler))
        assert picture.std() > 10 * ONE_LEVEL, scheduler


def test_a_picture_to_start_from_is_refused(families: dict[str, Family]) -> None:
    with pytest.raises(InvalidRequest, match="model, which doesn't support start images"):
        families["fixed shift"].begin(recipe(), InitImage(photo()))


def test_a_preview_has_a_pixel_for_each_latent(families: dict[str, Family]) -> None:
    """By the map of FLUX.1, whose autoencoder it has."""
    family = families["fixed shift"]
    with torch.inference_mode():
        [sample] = family.begin(recipe(width=96))
        assert family.preview(sample) is None, "nothing is known before the first step"
        family.step([sample], lambda: None)
        preview = family.preview(sample)
    assert preview is not None
    assert (preview.size, preview.mode) == ((12, 8), "RGB")
