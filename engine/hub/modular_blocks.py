"""What Diffusers' modular pipelines are made of, told without importing them.

Such a class has no signature: its blocks say what they take. Diffusers writes that into the
docstring of each, from the blocks themselves ("auto_docstring"), and that is what is read here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from engine.hub.diffusers_sources import (
    attribute_of,
    bases_of,
    definition_of,
    docstring_of,
    docstrings_beside,
    texts_beside,
)

MODULAR_PIPELINE = "ModularPipeline"

PROMPT_UPSAMPLER = "prompt_upsampler"
"""The step of FLUX.3 that rewrites the prompt first, and what its components' names begin with.

It is left out, as Diffusers says to do in order to have a prompt painted as it is: a language model
of 9B parameters that tells no progress and can't be stopped."""

EXTRAS = re.compile(
    rf"controlnet|image_encoder|feature_extractor|prompt_enhancer.*|{PROMPT_UPSAMPLER}.*"
)
"""Components that blocks don't need to paint from a prompt."""

WORKFLOW = re.compile(r"^\s*- `\w+`: requires (.+)$", re.MULTILINE)
COMPONENT = re.compile(r"(\w+)\s+\(`(\w+)`\)")
VALUE = re.compile(r"^ *(\w+) \(`[^`]*`(.*)\):$", re.MULTILINE)
NUMBER = re.compile(r"\d+(?:\.\d+)?")
GUIDANCE = re.compile(r"\bguidance_scale\"?: (?:float = )?(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class ModularBlocks:
    """What the blocks of a modular pipeline take and make.

    Attributes:
        inputs: Their inputs by name, with the number that each is if it isn't given.
        required: The inputs that have to be given, by the tasks that they can do.
        components: Class names of their components, by name.
        outputs: Names of what they make.
        guidance_scale: What their guidance is if it isn't given; `None` if they have none.
    """

    inputs: Mapping[str, float | None]
    required: frozenset[frozenset[str]]
    components: Mapping[str, str]
    outputs: tuple[str, ...]
    guidance_scale: float | None


def is_modular(name: str) -> bool:
    """Whether `name` is one of Diffusers' own modular pipelines."""
    return MODULAR_PIPELINE in bases_of(name)


def has_blocks(name: str) -> bool:
    """Whether Diffusers has blocks of that name."""
    return definition_of(name) is not None


@cache
def blocks_of(pipeline: str) -> ModularBlocks | None:
    """The blocks that the modular pipeline of that name has by default; `None` if it has none."""
    name = attribute_of(pipeline, "default_blocks_name")
    if not isinstance(name, str):
        return None
    head, _, rest = docstring_of(name).partition("Inputs:")
    taken, _, made = rest.partition("Outputs:")
    values, defaults = dict(VALUE.findall(taken)), _defaults(name)
    inputs = {value: defaults.get(value) for value in values}
    workflows = [frozenset(re.findall(r"`(\w+)`", each)) for each in WORKFLOW.findall(head)]
    asked = {value for value, note in values.items() if "*optional*" not in note}
    components = dict(COMPONENT.findall(head.partition("Components:")[2]))
    return ModularBlocks(
        inputs=inputs,
        required=frozenset(workflows or [frozenset(asked & {"prompt", "image"})]),
        components=components,
        outputs=tuple(match[1] for match in VALUE.finditer(made)),
        guidance_scale=_guidance(name, inputs, components),
    )


def _defaults(name: str) -> dict[str, float]:
    """By input, the first default among the blocks of a module, the outermost of which lack some.

    Where it depends on the task, the number is that without a picture.
    """
    found: dict[str, float] = {}
    for docstring in docstrings_beside(name):
        taken = docstring.partition("Inputs:")[2].partition("Outputs:")[0]
        for value, note in VALUE.findall(taken):
            if number := NUMBER.search(note.partition("defaults to")[2]):
                found.setdefault(value, float(number[0]))
    return found


def _guidance(
    name: str, inputs: Mapping[str, float | None], components: Mapping[str, str]
) -> float | None:
    if "guidance_scale" in inputs:
        return inputs["guidance_scale"]
    if not any(kind.endswith("Guidance") for kind in components.values()):
        return None
    scales = (match for text in texts_beside(name) if (match := GUIDANCE.search(text)))
    return next((float(scale[1]) for scale in scales), None)
