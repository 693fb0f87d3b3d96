"""Qwen-Image 2.1 paints what Diffusers paints, beside pictures or not, with their opacity."""

from pathlib import Path
from typing import Any, cast

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from engine.diffusion.families import InitImage, family_of, qwen_image_21
from engine.diffusion.families.latent_sample import LatentSample
from engine.diffusion.families.qwen_image_21 import QwenImage21
from engine.diffusion.picture_processors import picture_processor
from engine.hub.index_entries import entries_of
from engine.hub.local_files import read_json
from engine.hub.pipeline_layout import INDEX
from engine.jobs.recipe import Recipe
from engine.models.schedulers import allowed_schedulers
from tests.engine.diffusion.families.parity import ONE_LEVEL, Image, difference, paint, parts
from tests.engine.diffusion.families.transformer_pipelines import levels
from tests.engine.diffusion.families.transformer_pipelines import recipe as any_recipe
from tests.engine.diffusion.families.unet_pipelines import photo, stencil
from tests.tiny.qwen_image_21 import qwen_image_21 as tiny_pipeline

SIDE = 64
"""Of the square whose area references are scaled to, in place of a megapixel."""

UNGUIDED, GUIDED = 1.0, 6.5

SIGMAS = [1.0, 0.9, 0.4]
"""Of a distilled model, for three steps."""


def clear(picture: Pillow.Image) -> Pillow.Image:
    """The picture with its right half transparent."""
    opacity = Pillow.new("L", picture.size, 255)
    opacity.paste(0, (picture.width // 2, 0, *picture.size))
    picture = picture.convert("RGBA")
    picture.putalpha(opacity)
    return picture


ONE, TWO = photo(104, 64), clear(photo(64, 96, seed=4))


@pytest.fixture(scope="session")
def pipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The pipeline in two precisions, and a distilled one."""
    folder = tiny_pipeline(tmp_path_factory.mktemp("qwen-image-2.1"))
    distilled = tiny_pipeline(tmp_path_factory.mktemp("turbo"), SIGMAS)
    return {
        "single": loaded(folder, torch.float32),
        "half": loaded(folder, torch.bfloat16),
        "distilled": loaded(distilled, torch.float32),
    }


def loaded(folder: Path, dtype: torch.dtype) -> Any:
    processor = picture_processor(folder / "processor", "Qwen3VLProcessor")
    return diffusers.QwenImage21Pipeline.from_pretrained(folder, processor=processor, dtype=dtype)


@pytest.fixture(scope="session")
def families(pipes: dict[str, Any]) -> dict[str, QwenImage21]:
    return {kind: QwenImage21(pipe, parts(pipe), None) for kind, pipe in pipes.items()}


@pytest.fixture(scope="session")
def pipe(pipes: dict[str, Any]) -> Any:
    return pipes["single"]


@pytest.fixture(scope="session")
def family(families: dict[str, QwenImage21]) -> QwenImage21:
    return families["single"]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qwen_image_21, "RESOLUTION", SIDE)


def recipe(**fields: Any) -> Recipe:
    return any_recipe(**{"guidance_scale": UNGUIDED} | fields)


def plain(pipe: Any, asked: Recipe, *pictures: Pillow.Image) -> Image:
    """What the pipeline paints by its own call, without its cache."""
    pipe.set_progress_bar_config(disable=True)
    guided = asked.guidance_scale > 1
    result = pipe(
        prompt=asked.prompt,
        image=list(pictures) or None,
        negative_prompt=asked.negative_prompt if guided else None,
        true_cfg_scale=asked.guidance_scale,
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.num_inference_steps,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
        output_resolution=SIDE,
        use_kv_cache=False,
    )
    return levels(result.images[0])


@pytest.mark.parametrize("shown", [(), (ONE,), (ONE, TWO)], ids=["alone", "one", "two"])
@pytest.mark.parametrize(
    ("guidance_scale", "negative_prompt"), [(UNGUIDED, ""), (GUIDED, ""), (GUIDED, "a blue fish")]
)
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    pipe: Any,
    family: QwenImage21,
    guidance_scale: float,
    negative_prompt: str,
    shown: tuple[Pillow.Image, ...],
) -> None:
    asked = recipe(
        guidance_scale=guidance_scale,
        negative_prompt=negative_prompt,
        width=96,
        references=("one", "two")[: len(shown)],
    )
    [alone] = paint(family, asked, references=shown)
    assert alone.shape == (64, 96, 4)
    assert difference(alone, plain(pipe, asked, *shown)) <= ONE_LEVEL * (guidance_scale > 1)


@pytest.mark.parametrize("kind", ["half", "distilled"])
def test_so_it_is_in_half_precision_and_with_a_distilled_models_own_sigmas(
    pipes: dict[str, Any], families: dict[str, QwenImage21], kind: str
) -> None:
    asked = recipe(references=("one",))
    [alone] = paint(families[kind], asked, references=[ONE])
    assert difference(alone, plain(pipes[kind], asked, ONE)) == 0


def test_a_distilled_model_takes_as_many_steps_as_asked_for(
    pipe: Any, families: dict[str, QwenImage21]
) -> None:
    [alone] = paint(families["distilled"], recipe(num_inference_steps=4))
    assert difference(alone, plain(pipe, recipe(num_inference_steps=4))) == 0


def test_its_cache_changes_nothing_but_rounding(pipe: Any) -> None:
    """Words and references are the same in each step, so that they can be computed anew."""
    with_cache = pipe(
        prompt="a red house",
        image=[ONE],
        width=64,
        height=64,
        num_inference_steps=3,
        generator=torch.Generator("cpu").manual_seed(7),
        output_resolution=SIDE,
    )
    assert difference(levels(with_cache.images[0]), plain(pipe, recipe(), ONE)) <= ONE_LEVEL


def test_the_tiny_pictures_tell_settings_apart(pipe: Any) -> None:
    """Else the comparisons of this file would show nothing."""
    base = recipe(guidance_scale=GUIDED)
    changes: list[dict[str, Any]] = [
        {"prompt": "moon"},
        {"negative_prompt": "a blue fish"},
        {"guidance_scale": 1.0},
        {"num_inference_steps": 4},
        {"seed": 8},
    ]
    one = plain(pipe, base, ONE)
    for change in changes:
        other = plain(pipe, recipe(**{"guidance_scale": GUIDED} | change), ONE)
        assert difference(one, other) > 4 * ONE_LEVEL, change
    for pictures in ((), (photo(104, 64, seed=9),), (clear(ONE),), (ONE, TWO)):
        assert difference(one, plain(pipe, base, *pictures)) > 4 * ONE_LEVEL


def test_samples_of_mixed_prompts_pictures_guidance_and_times_do_not_touch_each_other(
    pipe: Any, family: QwenImage21
) -> None:
    """Prompts of one length; their negative prompts have others, and each its own picture."""
    shown = [ONE, photo(104, 64, seed=5), ONE, photo(104, 64, seed=6)]
    recipes = [
        recipe(
            seed=100 + i,
            num_inference_steps=2 + i,
            guidance_scale=(1.0, 4.0, 9.0)[i % 3],
            prompt="a red house" if i % 2 else "a blue fish",
            negative_prompt="" if i % 2 else "yellow moon",
            references=(f"picture {i}",),
        )
        for i in range(4)
    ]
    with torch.inference_mode():
        samples = [
            cast(LatentSample, family.begin(asked, None, [picture])[0])
            for asked, picture in zip(recipes, shown, strict=True)
        ]
        assert len({family.batch_key(sample) for sample in samples}) == 1
        while left := [sample for sample in samples if not sample.done]:
            family.step(left, lambda: None)
        together = [levels(family.finish(sample)) for sample in samples]
    for asked, picture, painted in zip(recipes, shown, together, strict=True):
        assert difference(painted, plain(pipe, asked, picture)) <= ONE_LEVEL


def test_only_samples_of_one_layout_share_a_batch(family: QwenImage21) -> None:
    asked: list[tuple[str, list[Pillow.Image]]] = [
        ("a red house", []),
        ("a blue fish", []),
        ("a red moon", []),
        ("a red house", [ONE]),
        ("a blue fish", [photo(104, 64, seed=9)]),
        ("a red house", [TWO]),
        ("a red house", [ONE, TWO]),
    ]
    with torch.inference_mode():
        keys = [
            family.batch_key(family.begin(recipe(prompt=prompt), None, shown)[0])
            for prompt, shown in asked
        ]
    assert keys[0] == keys[1]
    assert keys[3] == keys[4]
    assert len(set(keys)) == 5


def test_a_picture_without_transparency_has_no_opacity(
    family: QwenImage21, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = QwenImage21.decode

    def opaque(family: QwenImage21, sample: LatentSample) -> torch.Tensor:
        pixels = decode(family, sample)
        pixels[:, 3] = 0.98  # what is left of one by the VAE
        return pixels

    [clear] = paint(family, recipe())
    monkeypatch.setattr(QwenImage21, "decode", opaque)
    [painted] = paint(family, recipe())
    assert painted.shape == (64, 64, 3)
    assert difference(painted, clear[:, :, :3]) == 0


def test_a_start_image_and_a_mask_work_as_with_every_flow(pipe: Any, family: QwenImage21) -> None:
    """The pipeline knows neither: what a mask keeps is the picture as the VAE gives it back."""
    picture, mask = photo(), stencil()
    asked = recipe(strength=0.5, num_inference_steps=4)
    [masked] = paint(family, asked, init_image=InitImage(picture, mask))
    [over] = paint(family, asked, init_image=InitImage(picture))
    with torch.inference_mode():
        [sample] = cast(list[LatentSample], family.begin(asked, InitImage(picture)))
        assert sample.total_steps == 2
        assert sample.init_latents is not None
        sample.latents = sample.init_latents
        given_back = np.asarray(family.finish(sample)).astype(np.int16)
    # The decoder sees its surroundings, 21 pixels of which are kept.
    assert difference(masked[:4, :4], given_back[:4, :4]) < difference(masked, given_back) / 4
    assert difference(masked, over) > 4 * ONE_LEVEL


def test_every_scheduler_that_fits_paints_beside_a_picture(family: QwenImage21) -> None:
    for scheduler in allowed_schedulers("qwen-image-2.1"):
        asked = recipe(scheduler=scheduler, references=("one",))
        [picture] = paint(family, asked, references=[ONE])
        assert picture.std() > 10 * ONE_LEVEL, scheduler


def test_it_is_stepped_and_loaded_with_what_isnt_a_component(pipes: dict[str, Any]) -> None:
    pipe = pipes["distilled"]
    assert isinstance(family_of(pipe, parts(pipe), None), QwenImage21)
    assert pipe.config.sample_sigmas == SIGMAS
    index = read_json(Path(pipe.name_or_path) / INDEX)
    assert {entry.name for entry in entries_of(index)} == set(pipe.components)
