"""NovelAI: the JSON in `Comment`, also hidden in the pixels (`stealth`) or in the EXIF."""

from engine.images.metadata.reading import Reading
from engine.images.metadata.sources import Sources
from engine.images.metadata.values import Json, json_object, number, side, text, whole

KEYS = {"uc", "scale", "steps", "sampler", "request_type", "signed_hash", "noise_schedule"}
"""Keys of NovelAI's JSON."""


def read_novelai(sources: Sources) -> Reading | None:
    """The settings that NovelAI wrote."""
    named = sources.says("Software", "NovelAI") or sources.says("Title", "NovelAI")
    for outer in sources.objects:
        inner = outer.get("Comment")
        values = json_object(inner) if isinstance(inner, str) else inner
        values = values if isinstance(values, dict) else outer
        certain = named or values is not outer
        if len(KEYS & set(values)) >= (1 if certain else 4 - ("uc" in values)):
            described = text(outer.get("Description")) or text(sources.texts.get("Description"))
            return _reading(values, described)
    if named:
        return Reading(program="NovelAI", prompt=text(sources.texts.get("Description")))
    return None


def _reading(values: Json, description: str) -> Reading:
    return Reading(
        program="NovelAI",
        prompt=_caption(values, "v4_prompt") or text(values.get("prompt")) or description,
        negative_prompt=_caption(values, "v4_negative_prompt") or text(values.get("uc")),
        num_inference_steps=whole(values.get("steps")),
        guidance_scale=number(values.get("scale")),
        seed=whole(values.get("seed")),
        width=side(values.get("width")),
        height=side(values.get("height")),
        sampler=text(values.get("sampler")),
        schedule=text(values.get("noise_schedule")),
    )


def _caption(values: Json, key: str) -> str:
    """The caption of version 4: that of the picture, then one of each character."""
    whole_prompt = values.get(key)
    caption = whole_prompt.get("caption") if isinstance(whole_prompt, dict) else None
    if not isinstance(caption, dict):
        return ""
    characters = caption.get("char_captions")
    parts = [text(caption.get("base_caption"))]
    for each in (characters if isinstance(characters, list) else [])[:10]:
        if isinstance(each, dict):
            parts.append(text(each.get("char_caption")))
    return ", ".join(part for part in parts if part)
