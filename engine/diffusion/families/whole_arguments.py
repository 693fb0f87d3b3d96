"""From a recipe to the arguments of a pipeline that runs whole, by what its signature names."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import ModularPipeline
from PIL import Image

from engine.jobs.recipe import Recipe

Parameters = Mapping[str, inspect.Parameter]


def accepted_by(pipe: Any) -> Parameters:
    """The parameters of a pipeline's call: of a modular one, the inputs of its blocks."""
    if isinstance(pipe, ModularPipeline):
        return {
            name: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
            for name, default in pipe.default_call_parameters.items()
            if name is not None
        }
    return inspect.signature(pipe.__call__).parameters


def call_arguments(
    accepted: Parameters, recipe: Recipe, seed: int, start: Image.Image | None
) -> dict[str, Any]:
    """What to call a pipeline with.

    Args:
        accepted: The parameters of its call; what isn't among them is left out.
        recipe: What to paint.
        seed: Of the picture.
        start: The picture to start from or to refer to, if the recipe has one.
    """
    guidance = guidance_name(accepted)
    available: dict[str, Any] = {
        "prompt": recipe.prompt,
        "width": recipe.width,
        "height": recipe.height,
        "num_inference_steps": recipe.num_inference_steps,
        guidance: recipe.guidance_scale,
        "generator": torch.Generator("cpu").manual_seed(seed),
    }
    if recipe.negative_prompt:  # to some pipelines an empty one isn't none
        available["negative_prompt"] = recipe.negative_prompt
    elif guidance == "true_cfg_scale":  # without one they don't guide
        available["negative_prompt"] = " "
    if start is not None:
        available |= {"image": start, "strength": recipe.strength}
    return {name: value for name, value in available.items() if name in accepted}


def guidance_name(accepted: Parameters) -> str:
    """What a pipeline calls classifier-free guidance.

    Those of Qwen have `true_cfg_scale` for it, and `guidance_scale`, where it is there at all, is
    for models that are distilled on it, with no default. HunyuanImage has another name for that.
    """
    scale = accepted.get("guidance_scale")
    if "true_cfg_scale" in accepted and (scale is None or scale.default is None):
        return "true_cfg_scale"
    if scale is None and "distilled_guidance_scale" in accepted:
        return "distilled_guidance_scale"
    return "guidance_scale"
