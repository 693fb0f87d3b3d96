"""InvokeAI: `invokeai_metadata`, before version 3 `sd-metadata`, and at first `Dream`."""

import re

from engine.images.metadata.reading import Reading
from engine.images.metadata.sources import Sources
from engine.images.metadata.values import Json, model_name, number, side, text, weighted, whole

PROGRAM = "InvokeAI"

OPTION = re.compile(r" -([sSWHCA]) ?(\S{1,40})")

NEGATIVE = re.compile(r"\[([^\[\]]*)\]")
"""What the picture shouldn't show, in the prompts of older versions."""


def read_invokeai(sources: Sources) -> Reading | None:
    """The settings that InvokeAI wrote."""
    values = sources.json("invokeai_metadata")
    if values is not None:
        return _current(values)
    older = sources.json("sd-metadata")
    if older is not None:
        return _older(older)
    if dream := sources.texts.get("Dream"):
        return _dream(dream)
    if any(name in sources.texts for name in ("invokeai_graph", "invokeai_workflow", "invokeai")):
        return Reading(program=PROGRAM)
    return None


def _current(values: Json) -> Reading:
    guidance = number(values.get("cfg_scale"))
    distilled = number(values.get("guidance"))
    listed = values.get("loras")
    loras = (
        weighted(model_name(each.get("model") or each.get("lora")), each.get("weight"))
        for each in (listed if isinstance(listed, list) else [])[:16]
        if isinstance(each, dict)
    )
    return Reading(
        program=PROGRAM,
        prompt=text(values.get("positive_prompt")),
        negative_prompt=text(values.get("negative_prompt")),
        num_inference_steps=whole(values.get("steps")),
        guidance_scale=guidance if distilled is None else distilled,
        seed=whole(values.get("seed")),
        width=side(values.get("width")),
        height=side(values.get("height")),
        sampler=text(values.get("scheduler")),
        model=model_name(values.get("model")),
        loras=tuple(pair for pair in loras if pair),
    )


def _older(values: Json) -> Reading:
    image = values.get("image")
    image = image if isinstance(image, dict) else {}
    prompt = image.get("prompt")
    if isinstance(prompt, list):
        prompt = [each.get("prompt") for each in prompt[:10] if isinstance(each, dict)]
    positive, negative = _split(text(prompt))
    return Reading(
        program=PROGRAM,
        prompt=positive,
        negative_prompt=negative,
        num_inference_steps=whole(image.get("steps")),
        guidance_scale=number(image.get("cfg_scale")),
        seed=whole(image.get("seed")),
        width=side(image.get("width")),
        height=side(image.get("height")),
        sampler=text(image.get("sampler")),
        model=model_name(values.get("model_weights")),
    )


def _dream(dream: str) -> Reading:
    quoted = re.match(r'\s*"((?:\\.|[^"\\])*)"', dream)
    prompt = quoted[1] if quoted else OPTION.split(dream, maxsplit=1)[0]
    options = dict(OPTION.findall(dream[quoted.end() if quoted else 0 :]))
    positive, negative = _split(prompt)
    return Reading(
        program=PROGRAM,
        prompt=positive,
        negative_prompt=negative,
        num_inference_steps=whole(options.get("s")),
        guidance_scale=number(options.get("C")),
        seed=whole(options.get("S")),
        width=side(options.get("W")),
        height=side(options.get("H")),
        sampler=options.get("A", ""),
    )


def _split(prompt: str) -> tuple[str, str]:
    negative = ", ".join(part.strip() for part in NEGATIVE.findall(prompt))
    return NEGATIVE.sub("", prompt).strip(), negative
