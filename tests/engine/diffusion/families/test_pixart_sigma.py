"""PixArt-Σ paints what Diffusers paints, and pays no attention to padding or variance."""

from typing import Any

import diffusers
import pytest
import torch

from engine.diffusion.families import Family, InitImage, family_of
from engine.diffusion.families.pixart_sigma import PixArtSigma
from engine.errors import InvalidRequest
from engine.jobs.recipe import Recipe
from engine.models.schedulers import allowed_schedulers
from tests.engine.diffusion.families.parity import ONE_LEVEL, Image, difference, paint, parts
from tests.engine.diffusion.families.transformer_pipelines import levels, recipe, run_pipeline
from tests.engine.diffusion.families.unet_pipelines import photo
from tests.tiny.pixart_sigma import pixart_sigma

KINDS = ("single precision", "half precision")


@pytest.fixture(scope="session")
def sigma_pipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The pipelines by kind."""
    folder = pixart_sigma(tmp_path_factory.mktemp("sigma"))
    load = diffusers.AutoPipelineForText2Image.from_pretrained
    return {
        "single precision": load(folder),
        "half precision": load(folder, dtype=torch.bfloat16),
    }


@pytest.fixture(scope="session")
def sigmas(sigma_pipes: dict[str, Any]) -> dict[str, Family]:
    return {kind: family_of(pipe, parts(pipe), None) for kind, pipe in sigma_pipes.items()}


@pytest.fixture(scope="session")
def pipe(sigma_pipes: dict[str, Any]) -> Any:
    return sigma_pipes["single precision"]


@pytest.fixture(scope="session")
def family(sigmas: dict[str, Family]) -> Family:
    return sigmas["single precision"]


def plain(pipe: Any, asked: Recipe) -> Image:
    """What the pipeline paints by its own call."""
    as_asked = {"use_resolution_binning": False, "clean_caption": False}
    negative = {"negative_prompt": asked.negative_prompt}
    return levels(run_pipeline(diffusers.PixArtSigmaPipeline, pipe, asked, **negative, **as_asked))


@pytest.mark.parametrize("guidance_scale", [1.0, 6.5])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    sigmas: dict[str, Family], sigma_pipes: dict[str, Any], kind: str, guidance_scale: float
) -> None:
    asked = recipe(
        prompt="A red House", negative_prompt="fish", guidance_scale=guidance_scale, width=96
    )
    assert isinstance(sigmas[kind], PixArtSigma)
    [alone] = paint(sigmas[kind], asked)
    assert alone.shape == (64, 96, 3)
    assert difference(alone, plain(sigma_pipes[kind], asked)) == 0


@pytest.mark.parametrize("scheduler", allowed_schedulers("pixart-sigma"))
def test_so_it_is_with_every_scheduler(family: Family, pipe: Any, scheduler: str) -> None:
    asked = recipe(scheduler=scheduler, num_inference_steps=4)
    [alone] = paint(family, asked)
    assert difference(alone, plain(pipe, asked)) == 0


def test_the_tiny_pictures_tell_settings_apart(pipe: Any) -> None:
    """Else the comparisons of this file would show nothing."""
    changes: list[dict[str, Any]] = [
        {"prompt": "moon"},
        {"negative_prompt": "a blue fish"},
        {"guidance_scale": 3.0},
        {"num_inference_steps": 4},
        {"seed": 8},
        {"scheduler": "euler_a"},
    ]
    one = plain(pipe, recipe())
    for change in changes:
        assert difference(one, plain(pipe, recipe(**change))) > 4 * ONE_LEVEL, change


def test_samples_of_mixed_schedulers_steps_guidance_and_times_do_not_touch_each_other(
    family: Family, pipe: Any
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
        for i, scheduler in enumerate(("default", "euler_a", "heun", "dpmpp_2m", "ddim"))
    ]
    together = paint(family, *recipes, after=[0, 1, 0, 2, 5])
    for asked, picture in zip(recipes, together, strict=True):
        assert difference(picture, plain(pipe, asked)) <= ONE_LEVEL, asked.scheduler


def test_a_vae_in_single_precision_decodes_in_it(
    sigmas: dict[str, Family], sigma_pipes: dict[str, Any]
) -> None:
    """As the loader leaves it where float16 would overflow."""
    half = sigma_pipes["half precision"]
    [expected] = paint(sigmas["half precision"], recipe())
    half.vae.to(torch.float32)
    try:
        [upcast] = paint(sigmas["half precision"], recipe())
    finally:
        half.vae.to(torch.bfloat16)
    assert 0 < difference(upcast, expected) < 32 * ONE_LEVEL


def test_a_picture_to_start_from_is_refused(family: Family) -> None:
    with pytest.raises(InvalidRequest, match="PixArt-Σ model, which doesn't support start images"):
        family.begin(recipe(), InitImage(photo()))


def test_a_preview_has_a_pixel_for_each_latent(family: Family) -> None:
    """By the map of Stable Diffusion XL, whose autoencoder it has."""
    with torch.inference_mode():
        [sample] = family.begin(recipe(width=96))
        family.step([sample], lambda: None)
        preview = family.preview(sample)
    assert preview is not None
    assert (preview.size, preview.mode) == ((12, 8), "RGB")
