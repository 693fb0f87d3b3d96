"""The flags of prompts: how each is read, an example, and aliases."""

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from engine.errors import InvalidRequest
from engine.jobs.recipe import DEFAULT_STRENGTH
from engine.jobs.reference_uses import MAX_WEIGHT, PictureKind
from engine.prompts.dimensions import parse_dimensions
from speech import phrase, say

MAX_IMAGE_WEIGHT = 3.0
"""Midjourney's limit for `--iw`."""

SEPARATORS = ",;，；、。"
"""Signs that people put between a flag's value and what follows."""

PICTURE_NAME = re.compile(r"\d{1,18}(?:\.[1-4])?|https?://\S+")

END = rf"(?:[{SEPARATORS}]|(?=\s|$))"
NUMBERS = rf"\d[\d.]*{END}"
WORD = rf"[A-Za-z][A-Za-z0-9_-]*{END}"
CODES = r"(?:(?:https?://\S+|(?=[\w-]*\d)[\w-]++(?:::\d+)?|random)(?:\s+|$))+"

MIDJOURNEY_ONLY: Mapping[str, re.Pattern[str]] = {
    name: re.compile(rf"\s*(?P<value>{value})" if value else "(?P<value>)")
    for value, names in {
        "": "fast hd loop public raw relax stealth test testp turbo video",
        NUMBERS: "bs cw exp niji q quality s sameseed stop stylize sv v version w weird",
        WORD: "motion style",
        CODES: "cref end p personalize profile",
    }.items()
    for name in names.split()
}
"""Flags of Midjourney that have no equivalent here and are ignored, with the values they take."""


class NamedPicture(NamedTuple):
    """A picture that a flag names: by a job's number, perhaps with its own, or by a link."""

    kind: PictureKind
    name: str


PICTURE_FLAGS: Mapping[str, PictureKind] = {
    "sref": PictureKind.STYLE,
    "oref": PictureKind.SUBJECT,
}
"""Flags that name a picture; they can be given several times."""

WEIGHT_FLAGS: Mapping[str, PictureKind] = {
    "sw": PictureKind.STYLE,
    "ow": PictureKind.SUBJECT,
}
"""Flags with the weight of the pictures of a kind."""

Reader = Callable[[str, str], dict[str, Any]]
"""From a flag's name, as typed, and its value to fields of a request."""


def _number(field_name: str, kind: type[int] | type[float]) -> Reader:
    def read(name: str, text: str) -> dict[str, Any]:
        try:
            return {field_name: kind(text)}
        except ValueError:
            sentence = (
                phrase("{flag} takes a whole number, not “{text}”.")
                if kind is int
                else phrase("{flag} takes a number, not “{text}”.")
            )
            raise InvalidRequest(say(sentence, flag=f"--{name}", text=text)) from None

    return read


def _text(field_name: str) -> Reader:
    return lambda name, text: {field_name: text}


def _dimensions(name: str, text: str) -> dict[str, Any]:
    if (dimensions := parse_dimensions(text)) is None:
        raise InvalidRequest(
            say(
                "{flag} takes a ratio or size, like 3:2 or 768x512, not “{text}”.",
                flag=f"--{name}",
                text=text,
            )
        )
    return {"shape": dimensions}


def _image_weight(name: str, text: str) -> dict[str, Any]:
    """1 is the default strength; 0 keeps nothing of the init image."""
    weight: float = _number("weight", float)(name, text)["weight"]
    if not 0 <= weight <= MAX_IMAGE_WEIGHT:
        raise InvalidRequest(
            say(
                "{flag} goes from 0 to {most:g}, not {text}.",
                flag=f"--{name}",
                most=MAX_IMAGE_WEIGHT,
                text=text,
            )
        )
    return {"strength": round(1 / (1 + weight * (1 / DEFAULT_STRENGTH - 1)), 2)}


def _picture(kind: PictureKind) -> Reader:
    def read(name: str, text: str) -> dict[str, Any]:
        if not PICTURE_NAME.fullmatch(text):
            raise InvalidRequest(
                say(
                    "{flag} takes the number of a job, like 12, or of one of its pictures, like "
                    "12.2, or a link to a message of mine, not “{text}”.",
                    flag=f"--{name}",
                    text=text,
                )
            )
        return {"pictures": NamedPicture(kind, text)}

    return read


def _reference_weight(kind: PictureKind) -> Reader:
    def read(name: str, text: str) -> dict[str, Any]:
        weight: int = _number("weight", int)(name, text)["weight"]
        if not 0 <= weight <= MAX_WEIGHT:
            raise InvalidRequest(
                say(
                    "{flag} goes from 0 to {most:g}, not {text}.",
                    flag=f"--{name}",
                    most=MAX_WEIGHT,
                    text=text,
                )
            )
        return {f"{kind}_weight": weight}

    return read


READERS: Mapping[str, Reader] = {
    "ar": _dimensions,
    "size": _dimensions,
    "no": _text("negative_prompt"),
    "seed": _number("seed", int),
    "steps": _number("num_inference_steps", int),
    "cfg": _number("guidance_scale", float),
    "repeat": _number("count", int),
    "model": _text("model"),
    "scheduler": _text("scheduler"),
    "strength": _number("strength", float),
    "iw": _image_weight,
    "chaos": _number("chaos", int),
    **{name: _picture(kind) for name, kind in PICTURE_FLAGS.items()},
    **{name: _reference_weight(kind) for name, kind in WEIGHT_FLAGS.items()},
}

SWITCHES: Mapping[str, dict[str, Any]] = {"tile": {"tile": True}, "draft": {"draft": True}}
"""Flags without a value, and the fields that they set."""

EXAMPLES: Mapping[str, str] = {
    "ar": "--ar 3:2",
    "size": "--size 768x512",
    "no": "--no rain",
    "seed": "--seed 7",
    "steps": "--steps 20",
    "cfg": "--cfg 6",
    "repeat": "--repeat 4",
    "model": "--model sketch",
    "scheduler": "--scheduler euler",
    "strength": "--strength 0.5",
    "iw": "--iw 1",
    "chaos": "--chaos 30",
    "tile": "--tile",
    "sref": "--sref 12",
    "sw": "--sref 12 --sw 50",
    "oref": "--oref 12.2",
    "ow": "--oref 12.2 --ow 200",
    "draft": "--draft",
}

ALIASES: Mapping[str, str] = {name: name for name in EXAMPLES} | {
    "aspect": "ar",
    "guidance": "cfg",
    "count": "repeat",
    "r": "repeat",
    "sampler": "scheduler",
    "c": "chaos",
}


def reader_of(name: str) -> Reader:
    """The reader of a flag that has a value.

    Raises:
        InvalidRequest: When there is no such flag.
    """
    if name in ALIASES:
        return READERS[ALIASES[name]]
    known = " ".join(f"--{each}" for each in EXAMPLES)
    for near in difflib.get_close_matches(name, ALIASES, n=1):
        raise InvalidRequest(
            say(
                "There's no flag {flag}. Did you mean {near}? Available flags: {known}.",
                flag=f"--{name}",
                near=f"--{near}",
                known=known,
            )
        )
    raise InvalidRequest(
        say("There's no flag {flag}. Available: {known}.", flag=f"--{name}", known=known)
    )
