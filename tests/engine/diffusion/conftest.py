"""Real pipelines with tiny random weights, and the pictures that they paint by themselves."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from engine.diffusion.build_lock import BUILD_LOCK
from engine.jobs.recipe import Recipe
from engine.models.model import Model
from engine.models.schedulers import SCHEDULERS
from tests import tiny
from tests.engine.builders import model

Image = np.ndarray[Any, np.dtype[np.int16]]
"""Height, width and channels of 8-bit levels, in a type whose differences have a sign."""


@pytest.fixture(autouse=True, scope="session")
def _no_garbage_among_imports(pipes: dict[str, Any]) -> None:
    """As the worker does: what is imported by now is not looked through again."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """Everything here is tiny."""


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> dict[str, Path]:
    """The folders of tiny pipelines by kind."""
    new = tmp_path_factory.mktemp
    with BUILD_LOCK:  # a studio of an earlier test may be loading a model still
        return {
            "epsilon": tiny_model,
            "v_prediction": tiny.stable_diffusion(new("v"), prediction_type="v_prediction"),
            "distilled": tiny.stable_diffusion(new("distilled"), guidance_embedding=True),
            "lcm": tiny.latent_consistency(new("lcm")),
            "pag": tiny.perturbed_attention(new("pag")),
        }


@pytest.fixture(scope="session")
def pipes(folders: dict[str, Path]) -> dict[str, Any]:
    """The pipelines themselves, loaded once."""
    loaded = {}
    for kind, folder in folders.items():
        with BUILD_LOCK:
            pipe: Any = diffusers.AutoPipelineForText2Image.from_pretrained(folder)
        pipe.set_progress_bar_config(disable=True)
        loaded[kind] = pipe
    return loaded


@pytest.fixture(scope="session")
def plain(pipes: dict[str, Any]) -> Callable[[str, Recipe], Image]:
    """What the `StableDiffusionPipeline.__call__` of Diffusers paints for a recipe's first seed."""

    def paint(kind: str, recipe: Recipe) -> Image:
        choice = SCHEDULERS[recipe.scheduler]
        pipe = diffusers.StableDiffusionPipeline(
            **pipes[kind].components, requires_safety_checker=False
        )
        pipe.set_progress_bar_config(disable=True)
        if choice.class_name is not None:
            scheduler = getattr(diffusers, choice.class_name)
            pipe.scheduler = scheduler.from_config(pipe.scheduler.config, **choice.options)
        result = pipe(
            prompt=recipe.prompt,
            negative_prompt=recipe.negative_prompt,
            width=recipe.width,
            height=recipe.height,
            num_inference_steps=recipe.num_inference_steps,
            guidance_scale=recipe.guidance_scale,
            generator=torch.Generator("cpu").manual_seed(recipe.seed),
        )
        return np.asarray(result.images[0]).astype(np.int16)

    return paint


@pytest.fixture(name="tiny")
def _tiny(folders: dict[str, Path]) -> Model:
    return model(folders["epsilon"])
