"""FLUX.1 Kontext paints what Diffusers paints, beside a picture or without one."""

from typing import Any, cast

import diffusers
import pytest
import torch
from diffusers.pipelines.flux import pipeline_flux_kontext, pipeline_flux_kontext_inpaint
from PIL import Image as Pillow

from engine.diffusion.families import InitImage, family_of, flux_kontext
from engine.diffusion.families.flux_kontext import FluxKontext
from engine.diffusion.families.latent_sample import LatentSample
from engine.diffusion.latent_rgb import FLUX
from engine.jobs.recipe import Recipe
from engine.models.schedulers import allowed_schedulers
from tests.engine.diffusion.families.parity import ONE_LEVEL, Image, difference, paint, parts
from tests.engine.diffusion.families.transformer_pipelines import levels, recipe, run_pipeline
from tests.engine.diffusion.families.unet_pipelines import photo, stencil
from tests.tiny.flux_kontext import flux_kontext as tiny_kontext

SMALL = [(96, 64), (64, 64), (48, 80)]
"""In place of the sizes that it was trained on, of a megapixel each."""

SHOWN = photo(104, 64)


@pytest.fixture(scope="session")
def pipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The pipeline by precision."""
    folder = tiny_kontext(tmp_path_factory.mktemp("kontext"))
    load = diffusers.AutoPipelineForText2Image.from_pretrained
    return {"single": load(folder), "half": load(folder, dtype=torch.bfloat16)}


@pytest.fixture(scope="session")
def families(pipes: dict[str, Any]) -> dict[str, FluxKontext]:
    return {kind: FluxKontext(pipe, parts(pipe), None) for kind, pipe in pipes.items()}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (flux_kontext, pipeline_flux_kontext, pipeline_flux_kontext_inpaint):
        monkeypatch.setattr(module, "PREFERRED_KONTEXT_RESOLUTIONS", SMALL)


def plain(pipe: Any, asked: Recipe, *pictures: Pillow.Image) -> Image:
    """What the pipeline paints by its own call, at the size asked for."""
    kind, area = diffusers.FluxKontextPipeline, asked.width * asked.height
    picture = pictures[0] if pictures else None
    return levels(run_pipeline(kind, pipe, asked, image=picture, max_area=area))


def filled(
    pipe: Any, asked: Recipe, init_image: InitImage, beside: Pillow.Image | None = None
) -> Image:
    """What the pipeline for masks paints."""
    return levels(
        run_pipeline(
            diffusers.FluxKontextInpaintPipeline,
            pipe,
            asked,
            image=init_image.image,
            mask_image=init_image.mask,
            image_reference=beside,
            strength=asked.strength,
        )
    )


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("shown", [(), (SHOWN,)], ids=["alone", "beside a picture"])
@pytest.mark.parametrize("kind", ["single", "half"])
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    pipes: dict[str, Any],
    families: dict[str, FluxKontext],
    kind: str,
    shown: tuple[Pillow.Image, ...],
) -> None:
    asked = recipe(guidance_scale=2.5, width=48, references=("photo",)[: len(shown)])
    [alone] = paint(families[kind], asked, references=shown)
    assert difference(alone, plain(pipes[kind], asked, *shown)) == 0


def test_a_picture_is_shown_at_a_size_that_it_was_trained_on(
    families: dict[str, FluxKontext],
) -> None:
    with torch.inference_mode():
        [sample] = cast(list[LatentSample], families["single"].begin(recipe(), None, [SHOWN]))
    assert sample.extra["reference_sizes"] == ((800 // 16, 1328 // 16),)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("beside", [None, SHOWN], ids=["itself", "another picture"])
@pytest.mark.parametrize("strength", [0.75, 1.0])
def test_a_mask_is_filled_beside_the_picture_or_another_as_the_pipeline_does(
    pipes: dict[str, Any],
    families: dict[str, FluxKontext],
    strength: float,
    beside: Pillow.Image | None,
) -> None:
    asked = recipe(strength=strength, num_inference_steps=4, image="a", mask="b", references=("a",))
    init_image = InitImage(photo(64, 64), stencil(64, 64))
    [alone] = paint(
        families["single"], asked, init_image=init_image, references=[beside or init_image.image]
    )
    assert difference(alone, filled(pipes["single"], asked, init_image, beside)) == 0


@pytest.mark.usefixtures("small")
def test_the_tiny_pictures_tell_settings_apart(pipes: dict[str, Any]) -> None:
    """Else the comparisons of this file would show nothing."""
    changes: list[dict[str, Any]] = [
        {"prompt": "a red moon"},
        {"guidance_scale": 1.0},
        {"num_inference_steps": 4},
        {"seed": 8},
    ]
    pipe = pipes["single"]
    one = plain(pipe, recipe(), SHOWN)
    for change in changes:
        other = plain(pipe, recipe(**change), SHOWN)
        assert difference(one, other) > 10 * ONE_LEVEL, change
    for pictures in ((), (photo(seed=4),)):
        assert difference(one, plain(pipe, recipe(), *pictures)) > 4 * ONE_LEVEL


@pytest.mark.usefixtures("small")
def test_samples_of_mixed_steps_guidance_prompts_and_times_do_not_touch_each_other(
    pipes: dict[str, Any], families: dict[str, FluxKontext]
) -> None:
    recipes = [
        recipe(
            seed=100 + i,
            num_inference_steps=2 + i,
            guidance_scale=1.0 + 2 * i,
            prompt="a yellow moon" if i % 2 else "a red house under a yellow moon, a blue fish",
            references=("photo",),
        )
        for i in range(4)
    ]
    together = paint(families["single"], *recipes, after=[0, 1, 0, 2], references=[SHOWN])
    for asked, picture in zip(recipes, together, strict=True):
        assert difference(picture, plain(pipes["single"], asked, SHOWN)) <= ONE_LEVEL


@pytest.mark.usefixtures("small")
def test_only_samples_that_are_shown_pictures_of_one_size_share_a_batch(
    families: dict[str, FluxKontext],
) -> None:
    shown: tuple[list[Pillow.Image], ...] = (
        [],
        [photo(64, 64)],
        [photo(72, 72)],
        [photo(80, 48)],
    )
    family = families["single"]
    with torch.inference_mode():
        keys = [family.batch_key(family.begin(recipe(), None, each)[0]) for each in shown]
    assert keys[1] == keys[2]
    assert len(set(keys)) == 3


@pytest.mark.usefixtures("small")
def test_every_scheduler_that_fits_paints_with_and_without_a_picture(
    families: dict[str, FluxKontext],
) -> None:
    for scheduler in allowed_schedulers("flux-kontext"):
        for shown in ([], [SHOWN]):
            [picture] = paint(families["single"], recipe(scheduler=scheduler), references=shown)
            assert picture.std() > 10 * ONE_LEVEL, scheduler


def test_it_is_stepped_and_previewed_by_its_own_map(pipes: dict[str, Any]) -> None:
    family = family_of(pipes["single"], parts(pipes["single"]), None)
    assert isinstance(family, FluxKontext)
    assert family._previewer is FLUX
