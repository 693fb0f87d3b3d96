"""FLUX.1 paints what Diffusers paints, “dev” with its guidance and “schnell” without."""

from typing import Any, cast

import diffusers
import pytest
import torch

from engine.diffusion.families import Family, InitImage, family_of
from engine.diffusion.families.flux import Flux
from engine.diffusion.families.latent_sample import LatentSample
from engine.jobs.recipe import Recipe
from engine.models.schedulers import allowed_schedulers
from tests.engine.diffusion.families.parity import ONE_LEVEL, Image, difference, paint, parts
from tests.engine.diffusion.families.transformer_pipelines import levels, recipe, run_pipeline
from tests.engine.diffusion.families.unet_pipelines import photo, stencil
from tests.tiny.flux import flux

KINDS = ("dev", "schnell", "half precision")

TOKENS = {"dev": 512, "schnell": 256, "half precision": 512}
"""What the model cards say of `max_sequence_length`; the pipeline's own default is 512."""


@pytest.fixture(scope="session")
def flux_pipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The pipelines by kind."""
    new = tmp_path_factory.mktemp
    dev = flux(new("dev"))
    load = diffusers.FluxPipeline.from_pretrained
    return {
        "dev": load(dev),
        "schnell": load(flux(new("schnell"), schnell=True)),
        "half precision": load(dev, dtype=torch.bfloat16),
    }


@pytest.fixture(scope="session")
def fluxes(flux_pipes: dict[str, Any]) -> dict[str, Family]:
    return {kind: family_of(pipe, parts(pipe), None) for kind, pipe in flux_pipes.items()}


@pytest.fixture(scope="session")
def pipelines(flux_pipes: dict[str, Any]) -> "Pipelines":
    return Pipelines(flux_pipes)


class Pipelines:
    """The pipelines' own calls."""

    def __init__(self, pipes: dict[str, Any]) -> None:
        self._pipes = pipes

    def paint(self, kind: str, asked: Recipe, init_image: InitImage | None = None) -> Image:
        """What the pipeline for the task paints."""
        tokens = {"max_sequence_length": TOKENS[kind]}
        if init_image is None:
            return levels(run_pipeline(diffusers.FluxPipeline, self._pipes[kind], asked, **tokens))
        picture = {"image": init_image.image, "strength": asked.strength}
        task = diffusers.FluxImg2ImgPipeline
        if init_image.mask is not None:
            task = diffusers.FluxInpaintPipeline
            picture["mask_image"] = init_image.mask
        return levels(run_pipeline(task, self._pipes[kind], asked, **tokens, **picture))


@pytest.mark.parametrize("guidance_scale", [1.0, 6.5])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    fluxes: dict[str, Family], pipelines: Pipelines, kind: str, guidance_scale: float
) -> None:
    asked = recipe(guidance_scale=guidance_scale, width=96, height=64)
    assert isinstance(fluxes[kind], Flux)
    [alone] = paint(fluxes[kind], asked)
    assert difference(alone, pipelines.paint(kind, asked)) == 0


@pytest.mark.parametrize("strength", [0.3, 0.75, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_painted_from_another_is_the_one_that_the_pipeline_paints(
    fluxes: dict[str, Family], pipelines: Pipelines, kind: str, strength: float
) -> None:
    asked = recipe(strength=strength, width=48, num_inference_steps=4)
    init_image = InitImage(photo())
    [alone] = paint(fluxes[kind], asked, init_image=init_image)
    assert difference(alone, pipelines.paint(kind, asked, init_image)) == 0
    [other] = paint(fluxes[kind], asked, init_image=InitImage(photo(seed=4)))
    assert (difference(alone, other) > 2 * ONE_LEVEL) == (strength < 1)


@pytest.mark.parametrize("strength", [0.75, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_painted_within_a_mask_is_the_one_that_the_pipeline_paints(
    fluxes: dict[str, Family], pipelines: Pipelines, kind: str, strength: float
) -> None:
    asked = recipe(strength=strength, width=96, num_inference_steps=4)
    init_image = InitImage(photo(96, 64), stencil(96, 64))
    [alone] = paint(fluxes[kind], asked, init_image=init_image)
    assert difference(alone, pipelines.paint(kind, asked, init_image)) == 0
    [everywhere] = paint(fluxes[kind], asked, init_image=InitImage(init_image.image))
    assert difference(alone, everywhere) > 10 * ONE_LEVEL


@pytest.mark.parametrize("kind", ["dev", "schnell"])
def test_samples_of_mixed_steps_guidance_prompts_and_times_do_not_touch_each_other(
    fluxes: dict[str, Family], pipelines: Pipelines, kind: str
) -> None:
    recipes = [
        recipe(
            seed=100 + i,
            num_inference_steps=2 + i,
            guidance_scale=1.0 + 2 * i,
            prompt="a yellow moon" if i % 2 else "a red house under a yellow moon, a blue fish",
        )
        for i in range(5)
    ]
    together = paint(fluxes[kind], *recipes, after=[0, 1, 0, 2, 5])
    for asked, picture in zip(recipes, together, strict=True):
        assert difference(picture, pipelines.paint(kind, asked)) <= ONE_LEVEL


def test_samples_that_start_from_a_masked_picture_do_not_touch_each_other(
    fluxes: dict[str, Family], pipelines: Pipelines
) -> None:
    init_image = InitImage(photo(), stencil())
    recipes = [
        recipe(strength=strength, seed=i, num_inference_steps=4)
        for i, strength in enumerate((0.3, 0.6, 1.0))
    ]
    together = paint(fluxes["dev"], *recipes, after=[1, 0, 2], init_image=init_image)
    for asked, picture in zip(recipes, together, strict=True):
        assert difference(picture, pipelines.paint("dev", asked, init_image)) <= ONE_LEVEL


def test_the_tiny_pictures_tell_settings_apart(pipelines: Pipelines) -> None:
    """Else the comparisons of this file would show nothing."""
    changes: list[dict[str, Any]] = [
        {"prompt": "a red moon"},
        {"guidance_scale": 4.0},
        {"num_inference_steps": 4},
        {"seed": 8},
    ]
    one = pipelines.paint("dev", recipe())
    for change in changes:
        other = pipelines.paint("dev", recipe(**change))
        assert difference(one, other) > 10 * ONE_LEVEL, change


def test_a_negative_prompt_is_passed_over(fluxes: dict[str, Family]) -> None:
    one, other = paint(fluxes["dev"], recipe(), recipe(negative_prompt="a blue fish"))
    assert difference(one, other) <= ONE_LEVEL


def test_schnell_does_not_know_guidance(fluxes: dict[str, Family]) -> None:
    one, other = paint(fluxes["schnell"], recipe(guidance_scale=0.0), recipe(guidance_scale=9.0))
    assert difference(one, other) <= ONE_LEVEL


@pytest.mark.parametrize("kind", ["dev", "schnell"])
def test_every_scheduler_that_fits_paints_with_and_without_a_picture(
    fluxes: dict[str, Family], kind: str
) -> None:
    for scheduler in allowed_schedulers("flux"):
        asked = recipe(scheduler=scheduler, strength=0.7)
        for init_image in (None, InitImage(photo())):
            [picture] = paint(fluxes[kind], asked, init_image=init_image)
            assert picture.std() > 10 * ONE_LEVEL, scheduler


def test_euler_by_name_is_the_scheduler_that_the_model_brings(fluxes: dict[str, Family]) -> None:
    for kind in ("dev", "schnell"):
        one, other = paint(fluxes[kind], recipe(), recipe(scheduler="euler"))
        assert difference(one, other) <= ONE_LEVEL


def test_a_preview_shows_where_the_velocity_leads_not_the_noise_on_the_way(
    fluxes: dict[str, Family],
) -> None:
    """A step goes on a straight line from the latents to the predicted original."""
    with torch.inference_mode():
        [sample] = cast(list[LatentSample], fluxes["dev"].begin(recipe()))
        before = sample.latents
        fluxes["dev"].step([sample], lambda: None)
    assert sample.pred_original is not None
    left = sample.timesteps[1] / sample.timesteps[0]
    assert torch.allclose(
        sample.latents, left * before + (1 - left) * sample.pred_original, atol=1e-5
    )


def test_a_preview_has_a_pixel_for_each_latent(fluxes: dict[str, Family]) -> None:
    family = fluxes["dev"]
    with torch.inference_mode():
        [sample] = family.begin(recipe(width=96))
        assert family.preview(sample) is None, "nothing is known before the first step"
        family.step([sample], lambda: None)
        preview = family.preview(sample)
    assert preview is not None
    assert (preview.size, preview.mode) == ((12, 8), "RGB")
