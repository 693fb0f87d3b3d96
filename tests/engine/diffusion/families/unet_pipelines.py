"""What the parity tests of the UNet families share: a call of a Diffusers pipeline."""

from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image as Pillow

from engine.jobs.recipe import Recipe
from engine.models.schedulers import SCHEDULERS
from tests.engine.diffusion.families.parity import Image


def run_unet_pipeline(pipe: Any, task: str, asked: Recipe, **arguments: Any) -> Image:
    """Call the pipeline for `task` over the components of `pipe`.

    Args:
        pipe: A pipeline of the SD or SDXL kind.
        task: What follows the kind in the class's name: “”, “Img2Img” or “Inpaint”.
        asked: The recipe; its first seed is painted.
        arguments: Those of the call that a recipe does not know, such as the picture.
    """
    xl = "XL" in type(pipe).__name__
    options: dict[str, Any] = (
        {
            "force_zeros_for_empty_prompt": pipe.config.force_zeros_for_empty_prompt,
            "add_watermarker": False,
        }
        if xl
        else {"requires_safety_checker": False}
    )
    kind = getattr(diffusers, f"StableDiffusion{'XL' if xl else ''}{task}Pipeline")
    caller = kind(**pipe.components, **options)
    caller.set_progress_bar_config(disable=True)
    choice = SCHEDULERS[asked.scheduler]
    if choice.class_name is not None:
        scheduler = getattr(diffusers, choice.class_name)
        caller.scheduler = scheduler.from_config(pipe.scheduler.config, **choice.options)
    if task != "Img2Img":
        arguments |= {"width": asked.width, "height": asked.height}
    if task:
        arguments |= {"strength": asked.strength}
    result = caller(
        prompt=asked.prompt,
        negative_prompt=asked.negative_prompt or None,
        num_inference_steps=asked.num_inference_steps,
        guidance_scale=asked.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
        **arguments,
    )
    return np.asarray(result.images[0]).astype(np.int16)


def photo(width: int = 64, height: int = 64, seed: int = 3) -> Pillow.Image:
    """A picture of random blocks of eight pixels."""
    levels = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return Pillow.fromarray(levels).resize((width, height), Pillow.Resampling.NEAREST)


def stencil(width: int = 64, height: int = 64) -> Pillow.Image:
    """A mask whose lower right is painted anew; its edge is soft and no multiple of eight."""
    mask = Pillow.new("L", (width, height))
    mask.paste(120, (width // 3, height // 3, width, height))
    mask.paste(255, (width // 3 + 5, height // 3 + 3, width, height))
    return mask
