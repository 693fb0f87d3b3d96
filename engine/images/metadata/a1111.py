"""The text of the A1111 web interface, which Forge, SD.Next, Civitai and Fooocus write too.

The prompt, a line `Negative prompt: …`, and a line `Steps: …, Sampler: …, …`. Others write it with
other line ends, on one line, with `|` between the settings, or with lines below them.
"""

import json
import re
from collections.abc import Iterator

from engine.images.metadata.reading import Reading, plain
from engine.images.metadata.values import number, side, text, whole
from engine.jobs.request import ImageRequest
from speech import join_list, say

NEGATIVE_LINE = re.compile(r"[ \t]*Negative prompt:[ \t]?")

INLINE_NEGATIVE = re.compile(r"Negative prompt:")

BETWEEN = " .,;|\t\n"
"""What stands between the parts when they share a line."""

INLINE_SETTINGS = re.compile(r"\bSteps: ?\d{1,5}\s*[,|] ?(?=[A-Z][\w ]{2,30}: )")
"""Where the settings begin when they have no line of their own."""

SETTINGS_LINE = re.compile(r"\s*Steps: ?\S")

FIRM_SETTINGS_LINE = re.compile(r"\s*Steps: ?\d{1,5}\s*([,|]|$)")
"""A line of settings that isn't the last: Dynamic Prompts writes its templates below."""

TEMPLATE = re.compile(r"\s*(Negative )?Template:")

KEY = re.compile(r"\s*([A-Za-z][\w \-/+.()]{0,40}?)\s*:\s*")

QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')

DECODER = json.JSONDecoder()

MAX_SETTINGS = 300


def parse_parameters(parameters: str) -> ImageRequest:
    """The request that a `parameters` chunk describes; what it doesn't say is left open."""
    return read_text(parameters).request()


def has_settings(parameters: str) -> bool:
    """Whether a text has a negative prompt or a line of settings, and so isn't any comment."""
    return bool(
        re.search(r"(?:^|[\r\n])[ \t]{0,8}(?:Steps: ?\d|Negative prompt:)", parameters)
        or INLINE_SETTINGS.search(parameters)
    )


def read_text(parameters: str) -> Reading:
    """What the text says."""
    clean = parameters.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()
    prompt, negative, line = _parts(clean)
    values = dict[str, str]()
    for key, value in _settings(line):
        values.setdefault(key.lower(), value)

    def first(*keys: str) -> str:
        return next((values[key] for key in keys if key in values), "")

    width, _, height = first("size").lower().replace("×", "x").partition("x")
    resources = _civitai(first("civitai resources"))
    loras = [name for kind, name in resources if kind != "checkpoint"]
    checkpoint = next((name for kind, name in resources if kind == "checkpoint"), "")
    notes = []
    if loras:
        notes.append(
            say(
                "Civitai lists more that was used, and isn't used here: {names}.",
                names=join_list(loras),
            )
        )
    return Reading(
        prompt=prompt,
        negative_prompt=negative,
        num_inference_steps=_small(first("steps")),
        # Forge writes both for FLUX: the guidance that the model was distilled with is what counts.
        guidance_scale=number(first("distilled cfg scale", "cfg scale", "guidance scale")),
        seed=whole(first("seed")),
        width=side(width),
        height=side(height),
        sampler=first("sampler"),
        schedule=first("schedule type", "scheduler"),
        model=first("model", "base model") or checkpoint,
        strength=number(first("denoising strength")),
        tile=first("tiling") == "True",
        chaos=whole(first("chaos")) or 0,
        notes=tuple(notes),
    )


def _parts(clean: str) -> tuple[str, str, str]:
    """The prompt, the negative prompt and the settings."""
    lines = clean.split("\n")
    at = next(
        (
            i
            for i in reversed(range(len(lines)))
            if (FIRM_SETTINGS_LINE if i < len(lines) - 1 else SETTINGS_LINE).match(lines[i])
        ),
        None,
    )
    if at is not None:
        below = [line for line in lines[at + 1 :] if KEY.match(line)]
        end = next((i for i, line in enumerate(below) if TEMPLATE.match(line)), len(below))
        return *_prompts(lines[:at]), ", ".join([lines[at], *below[:end]])
    last = None
    for last in INLINE_SETTINGS.finditer(clean):  # noqa: B007
        pass
    if last is None:
        return *_prompts(lines), ""
    head, tail = clean[: last.start()].rstrip(BETWEEN), clean[last.start() :]
    if "\n" in head and any(NEGATIVE_LINE.match(line) for line in head.split("\n")):
        return *_prompts(head.split("\n")), tail
    prompt, *negative = INLINE_NEGATIVE.split(head, maxsplit=1)
    prompt = prompt.rstrip(BETWEEN) if negative else prompt
    return prompt.strip(), "".join(negative).strip(), tail


def _prompts(lines: list[str]) -> tuple[str, str]:
    start = next((i for i, line in enumerate(lines) if NEGATIVE_LINE.match(line)), len(lines))
    negative = "\n".join(lines[start:])
    return "\n".join(lines[:start]).strip(), NEGATIVE_LINE.sub("", negative, count=1).strip()


def _settings(line: str) -> Iterator[tuple[str, str]]:
    """The settings of a line; a quoted value, or JSON, may contain what separates them."""
    between = "|" if re.match(r"\s*Steps: ?[^,|]*\|", line) else ","
    at = 0
    for _ in range(MAX_SETTINGS):
        if at >= len(line):
            return
        if key := KEY.match(line, at):
            value, at = _value(line, key.end(), between)
            yield key[1], value
        end = line.find(between, at)
        at = len(line) if end < 0 else end + 1


def _value(line: str, at: int, between: str) -> tuple[str, int]:
    """The value that begins there, and where it ends."""
    if quoted := QUOTED.match(line, at):
        try:
            return str(json.loads(quoted[0])), quoted.end()
        except ValueError:
            return quoted[0].strip('"'), quoted.end()
    if line[at : at + 1] in ("[", "{"):
        try:
            _, end = DECODER.raw_decode(line, at)
        except (ValueError, RecursionError):
            pass
        else:
            return line[at:end], end
    end = line.find(between, at)
    end = len(line) if end < 0 else end
    return line[at:end].strip().strip('"'), end


def _civitai(resources: str) -> list[tuple[str, str]]:
    """The kinds and names of the resources that Civitai lists."""
    try:
        listed = json.loads(resources) if resources else []
    except (ValueError, RecursionError):
        return []
    return [
        (text(each.get("type")).lower(), plain(text(each["modelName"])))
        for each in (listed if isinstance(listed, list) else [])[:20]
        if isinstance(each, dict) and text(each.get("modelName"))
    ]


def _small(value: str) -> int | None:
    steps = whole(value)
    return steps if steps is not None and steps < 10**10 else None
