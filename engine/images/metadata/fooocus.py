"""Fooocus with its own scheme, its forks, and its older JSON; its other scheme is A1111's text."""

import re
from typing import Any

from engine.images.metadata.reading import Reading
from engine.images.metadata.sources import Sources
from engine.images.metadata.values import Json, model_name, number, side, text, weighted, whole

MARKS = {"base_model", "base_model_name", "base_model_hash", "metadata_scheme", "real_prompt"}
"""Keys of which Fooocus or a fork always writes one."""


def read_fooocus(sources: Sources) -> Reading | None:
    """The settings that Fooocus wrote."""
    values = next((_lower(each) for each in sources.objects if MARKS & set(_lower(each))), None)
    if values is None or not ({"prompt", "full_prompt"} & set(values)):
        return None
    width, height = _size(values)
    return Reading(
        program="RuinedFooocus" if values.get("software") == "RuinedFooocus" else "Fooocus",
        prompt=text(values.get("prompt")) or text(values.get("full_prompt")),
        negative_prompt=text(values.get("negative_prompt", values.get("negative"))),
        num_inference_steps=whole(values.get("steps")),
        guidance_scale=number(_first(values, "guidance_scale", "cfg")),
        seed=whole(values.get("seed")),
        width=width,
        height=height,
        sampler=text(_first(values, "sampler", "sampler_name")),
        schedule=text(values.get("scheduler")),
        model=model_name(_first(values, "base_model", "base_model_name")),
        loras=_loras(values),
    )


def _lower(values: Json) -> Json:
    return {key.lower().replace(" ", "_"): value for key, value in list(values.items())[:200]}


def _first(values: Json, *keys: str) -> Any:
    return next((values[key] for key in keys if values.get(key) is not None), None)


def _size(values: Json) -> tuple[int | None, int | None]:
    """Width and height: `"(96, 64)"`, a list, or two values."""
    resolution = values.get("resolution")
    if isinstance(resolution, list):
        resolution = str(resolution[:2])
    found = re.findall(r"\d{1,6}", resolution[:99]) if isinstance(resolution, str) else []
    if len(found) == 2:
        return side(found[0]), side(found[1])
    return side(values.get("width")), side(values.get("height"))


def _loras(values: Json) -> tuple[tuple[str, float], ...]:
    """The LoRAs: names with weights, also as texts such as `fox.safetensors : 0.8`."""
    listed = values.get("loras")
    entries = list(listed[:16]) if isinstance(listed, list) else []
    entries += [
        value.split(" : ", 1)
        for key, value in values.items()
        if re.fullmatch(r"lora_(combined_)?\d{1,2}", key) and isinstance(value, str)
    ]
    pairs = (
        weighted(each[0], each[1])
        for each in entries
        if isinstance(each, (list, tuple)) and len(each) >= 2
    )
    return tuple(pair for pair in pairs if pair)
