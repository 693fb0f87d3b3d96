"""Qwen-Image along a map paints what Diffusers' ControlNet pipeline paints."""

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from engine.diffusion.families.qwen_image import QwenImage
from engine.jobs.control import Control, ControlKind
from engine.jobs.recipe import Recipe
from engine.models.controls import ControlCatalogue
from engine.network_settings import ControlSettings
from tests.engine.diffusion.families.parity import LONG, ONE_LEVEL, difference, paint, parts
from tests.engine.diffusion.families.transformer_pipelines import levels, recipe, run_pipeline
from tests.engine.diffusion.families.unet_pipelines import photo
from tests.tiny.controlnet import qwen_controlnet
from tests.tiny.qwen_image import qwen_image


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return diffusers.QwenImagePipeline.from_pretrained(
        qwen_image(tmp_path_factory.mktemp("qwen-image"))
    )


@pytest.fixture(scope="module")
def network(pipe: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return qwen_controlnet(tmp_path_factory.mktemp("network"), pipe.transformer)


@pytest.fixture(scope="module")
def family(pipe: Any, network: Path) -> QwenImage:
    settings = ControlSettings(source=str(network), family="qwen-image")
    return QwenImage(pipe, parts(pipe), controls=ControlCatalogue({"union": settings}))


def along(strength: float = 0.8, end: float = 1.0, **changes: Any) -> Recipe:
    control = Control(
        image="map.png", kind=ControlKind.POSE, strength=strength, end=end, network="union"
    )
    return recipe(control=control, **changes)


@pytest.mark.parametrize(
    ("asked", "most"),
    [
        (along(guidance_scale=1.0), 0),
        (along(negative_prompt="a blue fish", width=96, strength=1.5), ONE_LEVEL),
        (along(guidance_scale=1.0, end=0.7, strength=1.0), 0),
    ],
)
def test_a_picture_painted_along_a_map_is_the_one_that_the_pipeline_paints(
    family: QwenImage, pipe: Any, network: Path, asked: Recipe, most: int
) -> None:
    assert asked.control is not None
    shown = photo(asked.width, asked.height)
    [alone] = paint(family, asked, control=shown)
    module = diffusers.QwenImageControlNetModel.from_pretrained(network)

    def kind(**components: Any) -> Any:
        return diffusers.QwenImageControlNetPipeline(controlnet=module, **components)

    expected = run_pipeline(
        kind,
        pipe,
        asked,
        negative_prompt=asked.negative_prompt or " ",
        true_cfg_scale=asked.guidance_scale,
        control_image=shown,
        controlnet_conditioning_scale=asked.control.strength,
        control_guidance_end=asked.control.end,
    )
    assert difference(alone, levels(expected)) <= most
    [other] = paint(family, asked, control=photo(asked.width, asked.height, seed=8))
    assert difference(alone, other) > 3 * ONE_LEVEL


def test_rows_with_and_without_control_share_a_batch(family: QwenImage) -> None:
    recipes = [
        along(seed=1, strength=0.5, prompt=LONG),
        recipe(seed=2, num_inference_steps=5),
        along(seed=3, strength=1.3, end=0.6, guidance_scale=1.0),
    ]
    shown = photo()
    given = [shown if asked.control else None for asked in recipes]
    samples = [
        family.begin(asked, None, (), control)[0]
        for asked, control in zip(recipes, given, strict=True)
    ]
    assert len({family.batch_key(sample) for sample in samples}) == 1
    with torch.inference_mode():
        while batch := [sample for sample in samples if not sample.done]:
            family.step(batch, lambda: None)
        for asked, sample, control in zip(recipes, samples, given, strict=True):
            together = np.asarray(family.finish(sample)).astype(np.int16)
            [alone] = paint(family, asked, control=control)
            assert difference(alone, together) <= ONE_LEVEL, asked.seed
