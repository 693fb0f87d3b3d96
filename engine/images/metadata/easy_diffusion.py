"""Easy Diffusion: a text for each setting in PNGs, JSON in the EXIF of others."""

from collections.abc import Mapping

from engine.images.metadata.reading import Reading
from engine.images.metadata.sources import Sources
from engine.images.metadata.values import looks_like_json, model_name, number, side, text, whole

MARKS = {"num_inference_steps", "guidance_scale", "use_stable_diffusion_model", "sampler_name"}
"""Keys of which Easy Diffusion writes at least two."""

LABELS = {
    "prompt": "Prompt",
    "negative_prompt": "Negative Prompt",
    "seed": "Seed",
    "use_stable_diffusion_model": "Stable Diffusion model",
    "num_inference_steps": "Steps",
    "guidance_scale": "Guidance Scale",
    "sampler_name": "Sampler",
    "width": "Width",
    "height": "Height",
}
"""The same in the words of its interface, which some versions write."""


def read_easy_diffusion(sources: Sources) -> Reading | None:
    """The settings that Easy Diffusion wrote."""
    for values in (*sources.objects, sources.texts):
        if len(MARKS & set(values)) >= 2 and not looks_like_json(text(values.get("prompt"))):
            return _reading(values)
        labelled = {key: values[label] for key, label in LABELS.items() if label in values}
        if len(MARKS & set(labelled)) >= 2:
            return _reading(labelled)
    return None


def _reading(values: Mapping[str, object]) -> Reading:
    return Reading(
        program="Easy Diffusion",
        prompt=text(values.get("prompt")),
        negative_prompt=text(values.get("negative_prompt")),
        num_inference_steps=whole(values.get("num_inference_steps")),
        guidance_scale=number(values.get("guidance_scale")),
        seed=whole(values.get("seed")),
        width=side(values.get("width")),
        height=side(values.get("height")),
        sampler=text(values.get("sampler_name")),
        model=model_name(values.get("use_stable_diffusion_model")),
    )
