"""What the parity tests of the transformer families share: a call of a Diffusers pipeline."""

from typing import Any

import numpy as np
import torch

from engine.diffusion.schedulers import make_scheduler
from engine.jobs.recipe import Recipe
from tests.engine import builders as making
from tests.engine.diffusion.families.parity import Image


def recipe(**fields: Any) -> Recipe:
    """A recipe for a model that brings its own scheduler."""
    return making.recipe(**{"scheduler": "default", "num_inference_steps": 3} | fields)


def levels(image: Any) -> Image:
    """A picture in 8-bit levels, shape (height, width, 3)."""
    return np.asarray(image).astype(np.int16)


def run_pipeline(kind: Any, pipe: Any, asked: Recipe, **arguments: Any) -> Any:
    """What comes out of calling a Diffusers pipeline over the components of another.

    Args:
        kind: Its class.
        pipe: Brings the components; its scheduler is left alone.
        asked: The recipe; its first seed is painted.
        arguments: Those of the call that not all pipelines have in common.
    """
    caller = kind(**pipe.components)
    caller.scheduler = make_scheduler(pipe.scheduler, asked.scheduler)
    caller.set_progress_bar_config(disable=True)
    result = caller(
        prompt=asked.prompt,
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.num_inference_steps,
        guidance_scale=asked.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
        **arguments,
    )
    return result.images[0]
