"""FLUX.2 klein steps as its own pipeline does, with a picture beside the prompt or without."""

from typing import Any, cast

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from engine.diffusion.families import InitImage, family_of
from engine.diffusion.families.flux2_klein import Flux2Klein
from engine.diffusion.families.latent_sample import LatentSample
from engine.diffusion.latent_rgb import FLUX_2
from engine.diffusion.previews import LatentMap
from engine.jobs.recipe import Recipe
from engine.models.schedulers import allowed_schedulers
from tests.engine import builders as making
from tests.engine.diffusion.conftest import Image
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference, paint, parts
from tests.engine.diffusion.families.unet_pipelines import photo, stencil
from tests.tiny.flux2_klein import flux2_klein


def recipe(**changes: Any) -> Recipe:
    return making.recipe(**{"scheduler": "default", "num_inference_steps": 2} | changes)


@pytest.fixture(scope="session")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = flux2_klein(tmp_path_factory.mktemp("flux2-klein"))
    pipe = diffusers.AutoPipelineForText2Image.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="session")
def distilled(pipe: Any) -> Any:
    pipe = diffusers.Flux2KleinPipeline(**pipe.components, is_distilled=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="session")
def family(pipe: Any) -> Flux2Klein:
    return Flux2Klein(pipe, parts(pipe), None)


def plain(pipe: Any, asked: Recipe, *pictures: Pillow.Image) -> Image:
    """What the `__call__` of Diffusers paints; a negative prompt it only takes encoded."""
    negative, _ = pipe.encode_prompt(asked.negative_prompt, pipe.device)
    result = pipe(
        prompt=asked.prompt,
        negative_prompt_embeds=negative,
        image=list(pictures) or None,
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.num_inference_steps,
        guidance_scale=asked.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
    )
    return np.asarray(result.images[0]).astype(np.int16)


ROUNDING = {1.0: 0, 5.0: ONE_LEVEL}
"""What may differ by guidance: Diffusers calls it once for each prompt, we once for both."""


@pytest.mark.parametrize("size", [{}, {"width": 96}], ids=["square", "wide"])
@pytest.mark.parametrize("guidance_scale", ROUNDING)
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    pipe: Any, family: Flux2Klein, guidance_scale: float, size: dict[str, int]
) -> None:
    asked = recipe(negative_prompt="a blue fish", guidance_scale=guidance_scale, **size)
    [alone] = paint(family, asked)
    assert alone.shape == (asked.height, asked.width, 3)
    assert difference(alone, plain(pipe, asked)) <= ROUNDING[guidance_scale]


def test_a_distilled_model_paints_without_guidance(distilled: Any) -> None:
    asked = recipe(guidance_scale=5.0)
    [alone] = paint(Flux2Klein(distilled, parts(distilled), None), asked)
    assert difference(alone, plain(distilled, asked)) == 0
    assert difference(alone, plain(distilled, recipe(guidance_scale=1.0))) == 0


@pytest.mark.parametrize("guidance_scale", ROUNDING)
def test_pictures_are_shown_to_it_at_their_own_sizes_as_the_pipeline_does(
    pipe: Any, family: Flux2Klein, guidance_scale: float
) -> None:
    asked = recipe(guidance_scale=guidance_scale, references=("one", "two"))
    pictures = [photo(104, 72), photo(64, 80, seed=4)]
    [alone] = paint(family, asked, references=pictures)
    assert difference(alone, plain(pipe, asked, *pictures)) <= ROUNDING[guidance_scale]
    assert difference(alone, plain(pipe, asked, *reversed(pictures))) > 4 * ONE_LEVEL


@pytest.mark.parametrize("beside", [(), (photo(104, 72),)], ids=["alone", "beside a picture"])
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_a_mask_is_filled_as_the_pipeline_does(
    pipe: Any, family: Flux2Klein, strength: float, beside: tuple[Pillow.Image, ...]
) -> None:
    """That pipeline shows the picture to the transformer, too, and then one more."""
    asked = recipe(
        guidance_scale=1.0,
        strength=strength,
        num_inference_steps=4,
        image="photo",
        mask="mask",
        references=("photo", "other")[: 1 + len(beside)],
    )
    image, mask = photo(64, 64), stencil(64, 64)
    inpaint = diffusers.Flux2KleinInpaintPipeline(**pipe.components)
    inpaint.set_progress_bar_config(disable=True)
    result = inpaint(
        prompt=asked.prompt,
        image=image,
        mask_image=mask,
        image_reference=beside[0] if beside else None,
        strength=strength,
        num_inference_steps=asked.num_inference_steps,
        guidance_scale=1.0,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
    )
    expected = np.asarray(result.images[0]).astype(np.int16)
    [alone] = paint(family, asked, init_image=InitImage(image, mask), references=(image, *beside))
    assert difference(alone, expected) == 0


def test_the_tiny_pictures_tell_settings_apart(pipe: Any) -> None:
    """Else the comparisons of this file would show nothing."""
    base = recipe(negative_prompt="a blue fish")
    first = plain(pipe, base)
    for other in (
        recipe(),
        recipe(negative_prompt="a blue fish", prompt="moon"),
        recipe(negative_prompt="a blue fish", seed=8),
        recipe(negative_prompt="a blue fish", guidance_scale=1.0),
        recipe(negative_prompt="a blue fish", num_inference_steps=3),
    ):
        assert difference(first, plain(pipe, other)) > 4 * ONE_LEVEL
    over = plain(pipe, base, photo())
    assert difference(over, first) > 4 * ONE_LEVEL
    assert difference(over, plain(pipe, base, photo(seed=4))) > 4 * ONE_LEVEL


@pytest.mark.parametrize("shown", [(), (photo(80, 64),)], ids=["alone", "beside a picture"])
def test_samples_of_mixed_prompts_schedulers_guidance_and_times_do_not_touch_each_other(
    family: Flux2Klein, shown: tuple[Pillow.Image, ...]
) -> None:
    recipes = [
        recipe(
            scheduler=scheduler,
            seed=100 + i,
            num_inference_steps=2 + i % 2,
            guidance_scale=1.0 if i % 3 == 0 else 2.0 + i,
            prompt="a yellow moon" if i % 2 else "a red house under a tree",
        )
        for i, scheduler in enumerate(allowed_schedulers("flux2-klein"))
    ]
    together = paint(family, *recipes, after=[0, 1, 0, 2, 1], references=shown)
    for i, asked in enumerate(recipes):
        [alone] = paint(family, asked, references=shown)
        assert difference(alone, together[i]) <= ONE_LEVEL, asked.scheduler


def test_only_samples_that_are_shown_pictures_of_the_same_sizes_share_a_batch(
    family: Flux2Klein,
) -> None:
    square, other, wide = photo(64, 64), photo(64, 64, seed=4), photo(80, 64)
    shown = ((), (square,), (other,), (wide,), (square, wide))
    with torch.inference_mode():
        keys = [family.batch_key(family.begin(recipe(), None, each)[0]) for each in shown]
    assert keys[1] == keys[2]
    assert len(set(keys)) == 4


def test_a_small_picture_is_enlarged_to_be_shown(family: Flux2Klein) -> None:
    with torch.inference_mode():
        [sample] = family.begin(recipe(), None, [photo(16, 24)])
    assert cast(LatentSample, sample).extra["reference_sizes"] == ((6, 4),)


def test_it_is_stepped_and_previewed_by_its_own_map(pipe: Any) -> None:
    family = family_of(pipe, parts(pipe), None)
    assert isinstance(family, Flux2Klein)
    assert family._previewer is FLUX_2


def test_a_preview_is_a_small_picture(pipe: Any) -> None:
    family = Flux2Klein(pipe, parts(pipe), LatentMap(torch.ones(4, 3), torch.zeros(3)))
    with torch.inference_mode():
        [sample] = family.begin(recipe(width=96))
        family.step([sample], lambda: None)
        image = family.preview(sample)
    assert image is not None
    assert image.size == (12, 8)
