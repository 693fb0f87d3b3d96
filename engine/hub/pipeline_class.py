"""Which pipelines of Diffusers paint from a prompt alone, and what else they take.

What decides is the signature of `__call__`, or the blocks of a modular pipeline, what it returns,
the mixins, and Diffusers' own maps from a task to a class, not a list of names.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import ModelUnavailable
from engine.hub.diffusers_sources import (
    arguments_of,
    asks_whether_given,
    assigned_number,
    bases_of,
    call_of,
    components_of,
    is_deprecated,
    pipeline_modules,
    required_by,
    returned_by,
    siblings_of,
)
from engine.hub.modular_blocks import ModularBlocks, blocks_of, is_modular
from speech import AND, join_list, say

LIBRARIES = frozenset({"diffusers", "transformers"})
"""Where components come from, beside Diffusers' own pipelines."""

TEXT_TO_IMAGE = "AUTO_TEXT2IMAGE_PIPELINES_MAPPING"
IMAGE_TO_IMAGE = "AUTO_IMAGE2IMAGE_PIPELINES_MAPPING"

PICTURES = re.compile(r"Output\(images?\b")
"""What a pipeline that paints returns, in source text."""

FRAMES = re.compile(r"Output\((frames|videos?)\b")

CHANGES_PICTURE = re.compile(r"Edit|I2I|Img2Img|Inpaint|Layered|Pix2Pix|Refiner|SuperRes|Upscale")
"""In the names of classes that change a picture and can't do without one."""

GUIDANCE = ("guidance_scale", "true_cfg_scale", "distilled_guidance_scale")
"""What pipelines call their guidance, in the order in which a number is looked for."""

TRANSFORMER_SIDE = 1024
"""Pixels a side of what pipelines with a transformer paint, where their class doesn't say."""

WITHOUT_GUIDANCE = 1.0
"""The guidance of a modular pipeline that has none."""

MAX_SHOWN = 60
"""Characters of a name that isn't one which are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineClass:
    """A pipeline of Diffusers that paints from a prompt.

    Attributes:
        name: Of the class that paints from a prompt alone.
        image_to_image: Name of the class that takes a picture too: the same, or its sibling in
            Diffusers' map of image-to-image pipelines; `None` if there is none.
        lora_mixin: Name of the mixin that loads LoRAs; `None` if it takes none.
        num_inference_steps: Default of its call; `None` if it has none.
        guidance_scale: Default of its call; `None` if it has none.
        side: Side of a square picture of its default size, pixels; `None` if its files decide.
    """

    name: str
    image_to_image: str | None = None
    lora_mixin: str | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    side: int | None = None


def pipeline_class(name: str) -> PipelineClass:
    """The pipeline that paints what a repository's class `name` is for.

    Raises:
        ModelUnavailable: Diffusers has no such pipeline, or it doesn't paint from a prompt alone.
    """
    if (blocks := blocks_of(name)) is not None and is_modular(name):
        return _modular_class(name, blocks)
    if "DiffusionPipeline" not in bases_of(name):
        raise ModelUnavailable(
            say(
                "It is made for “{pipeline}”, which isn't a pipeline of the installed Diffusers, "
                "and code from repositories is never run. Choose another model.",
                pipeline=name if len(name) <= MAX_SHOWN else name[:MAX_SHOWN] + "…",
            )
        )
    siblings = siblings_of(name)
    painter = siblings.get(TEXT_TO_IMAGE, name)
    _require_painter(painter, in_map=TEXT_TO_IMAGE in siblings)
    arguments = _arguments(painter)
    starting = painter if "image" in arguments else siblings.get(IMAGE_TO_IMAGE, "")
    taken = _arguments(starting)
    scales = [arguments.get(key) for key in GUIDANCE]
    return PipelineClass(
        name=painter,
        image_to_image=starting if "image" in taken else None,
        lora_mixin=lora_mixin_of(painter),
        num_inference_steps=_whole_number(arguments.get("num_inference_steps")),
        guidance_scale=next(
            (float(each) for each in scales if isinstance(each, int | float)), None
        ),
        side=_side(painter, arguments),
    )


def _modular_class(name: str, blocks: ModularBlocks) -> PipelineClass:
    """The modular pipeline `name`; raises `ModelUnavailable` as `pipeline_class` does."""
    if "videos" in blocks.outputs:
        raise _makes_videos(name)
    if "images" not in blocks.outputs:
        raise _paints_nothing(name)
    least = min(blocks.required, key=lambda inputs: (len(inputs - {"prompt"}), sorted(inputs)))
    if least != {"prompt"}:
        raise _needs_more(name, sorted(least - {"prompt"}))
    inputs = blocks.inputs
    sides = inputs.get("height"), inputs.get("width")
    steps = inputs.get("num_inference_steps")
    return PipelineClass(
        name=name,
        image_to_image=name if "image" in inputs else None,
        lora_mixin=lora_mixin_of(name),
        num_inference_steps=int(steps) if steps else None,
        guidance_scale=blocks.guidance_scale or WITHOUT_GUIDANCE,
        side=round(math.sqrt(sides[0] * sides[1])) if sides[0] and sides[1] else TRANSFORMER_SIDE,
    )


def known_pipeline_class(name: str) -> PipelineClass | None:
    """The same; `None` if it can't be used."""
    try:
        return pipeline_class(name)
    except ModelUnavailable:
        return None


def lora_mixin_of(name: str) -> str | None:
    """The mixin by which the pipeline `name` loads LoRAs; `None` if it can't."""
    return next((base for base in bases_of(name) if base.endswith("LoraLoaderMixin")), None)


def is_loadable_library(name: object) -> bool:
    """Whether components may come from `name`, the library that `model_index.json` gives them."""
    return isinstance(name, str) and (name in LIBRARIES or name in pipeline_modules())


def _require_painter(name: str, *, in_map: bool) -> None:
    """Raise `ModelUnavailable` unless the class paints from a prompt alone.

    Args:
        name: The class.
        in_map: Whether it is in Diffusers' map of text-to-image pipelines.
    """
    call = call_of(name)
    arguments = _arguments(name)
    returned = returned_by(call) if call is not None else ""
    if FRAMES.search(returned):
        raise _makes_videos(name)
    if any("control" in argument for argument in arguments):
        raise ModelUnavailable(
            say(
                "Its pipeline ({pipeline}) needs a control picture with each prompt. Choose a "
                "model that paints from a prompt alone.",
                pipeline=name,
            )
        )
    if in_map:
        return
    paints = "prompt" in arguments and PICTURES.search(returned) and "frame_size" not in arguments
    if call is None or not paints or is_deprecated(name):
        raise _paints_nothing(name)
    missing = [argument for argument in required_by(call) if argument != "prompt"]
    order = list(arguments)
    if CHANGES_PICTURE.search(name) or (
        "image" in order
        and (
            "strength" in order
            or order.index("image") < order.index("prompt")
            or not asks_whether_given(call, "image")
        )
    ):
        missing.append("image")
    if missing:
        raise _needs_more(name, list(dict.fromkeys(missing)))


def _makes_videos(name: str) -> ModelUnavailable:
    return ModelUnavailable(
        say("Its pipeline ({pipeline}) makes videos. Choose another model.", pipeline=name)
    )


def _paints_nothing(name: str) -> ModelUnavailable:
    return ModelUnavailable(
        say(
            "Its pipeline ({pipeline}) doesn't paint pictures from a prompt. Choose another model.",
            pipeline=name,
        )
    )


def _needs_more(name: str, arguments: list[str]) -> ModelUnavailable:
    return ModelUnavailable(
        say(
            "Its pipeline ({pipeline}) needs more than a prompt: {arguments}. Choose a model "
            "that paints from a prompt alone.",
            pipeline=name,
            arguments=join_list(arguments, AND),
        )
    )


def _arguments(name: str) -> Mapping[str, Any]:
    call = call_of(name)
    return arguments_of(call) if call is not None else {}


def _whole_number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _side(name: str, arguments: Mapping[str, Any]) -> int | None:
    """The default size as a square's side, to 64 pixels."""
    height, width = (_whole_number(arguments.get(key)) for key in ("height", "width"))
    if height and width:
        return round(math.sqrt(height * width) / 64) * 64
    latents = assigned_number(name, "default_sample_size")
    factor = assigned_number(name, "vae_scale_factor")
    if latents and factor:
        return latents * factor
    return TRANSFORMER_SIDE if "transformer" in components_of(name) else None
