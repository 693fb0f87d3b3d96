"""Flags as in Midjourney, at the end of a prompt: “a red house --ar 3:2 --no rain”.

--ar 3:2             aspect ratio, at about the area of the model's default size
--size 768x512       size in pixels
--no rain, hands     negative prompt; everything up to the next flag
--seed 7  --steps 20  --cfg 6  --repeat 4  --model NAME  --scheduler NAME
--strength 0.5       how much an init image may change
--iw 1               the same as a weight of that image, 0 to 3; 1 is normal, more keeps more
--chaos 30           how different the pictures become, 0 to 100
--tile               a picture that tiles without a seam
--sref 12            the style of a picture: a job's number, 12.2 for its second, or a link
--oref 12            the same for its subject
--sw 50  --ow 200    how much that style or subject counts, 0 to 1000; 100 is normal
--draft              a quick draft, which can be painted properly afterwards

Phones turn two hyphens into a dash, and Chinese keyboards into two: “—ar 3:2” and “——ar 3：2” are
understood, and so is a flag right after a comma or a Chinese character. Before any other word, such
signs are just what they are. A flag overrides the defaults of a server or a member. If a flag and
an option of the command contradict each other, that is an error, since one of them is a mistake;
negative prompts of both are joined. Flags of Midjourney that have no equivalent are ignored.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.errors import InvalidRequest
from engine.jobs.reference_uses import PictureKind
from engine.jobs.request import ImageRequest
from engine.models.model import Model
from engine.prompts.dimensions import Dimensions
from engine.prompts.flag_table import (
    ALIASES,
    EXAMPLES,
    MIDJOURNEY_ONLY,
    PICTURE_FLAGS,
    SEPARATORS,
    SWITCHES,
    WEIGHT_FLAGS,
    NamedPicture,
    reader_of,
)
from speech import phrase, say

FLAG = re.compile(
    r"(?:^|(?<=\s)|(?P<close>(?<=[,;，。；、！？）\u3040-\u30ff\u3400-\u9fff])))"
    r"(?P<dash>--|－－|[\u2013\u2014]{1,2})(?P<name>[A-Za-z][A-Za-z0-9_-]*)(?P<is>[=＝:：]?)"
)

VALUE = re.compile(r"\s*(?P<value>[^\s]+)")

FIELDS = {
    "model": phrase("model"),
    "shape": phrase("shape"),
    "width": phrase("width"),
    "height": phrase("height"),
    "seed": phrase("seed"),
    "scheduler": phrase("scheduler"),
    "strength": phrase("strength"),
    "chaos": phrase("chaos"),
    "num_inference_steps": phrase("number of steps"),
    "guidance_scale": phrase("guidance"),
    "count": phrase("number of pictures"),
    "style_weight": phrase("weight of the style"),
    "subject_weight": phrase("weight of the subject"),
}
"""The names of request fields that can be given twice, for people."""


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of a prompt.

    Attributes:
        values: Values by field of `ImageRequest`.
        dimensions: The size or aspect ratio.
        ignored: Midjourney's flags that have no effect here, as typed.
        pictures: The pictures that are named for their style or subject.
        weights: The weights that are given for pictures of a kind.
        draft: Whether a draft is wanted; see `ModelRules.drafted`.
        text: All of them as typed, with their values.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    dimensions: Dimensions | None = None
    ignored: tuple[str, ...] = ()
    draft: bool = False
    pictures: tuple[NamedPicture, ...] = ()
    text: str = ""
    weights: Mapping[PictureKind, int] = field(default_factory=dict)

    @property
    def model(self) -> str | None:
        """The name of the model, if given."""
        return self.values.get("model")

    def applied_to(
        self, request: ImageRequest, model: Model, *, override: bool = False
    ) -> ImageRequest:
        """The request with the values of the flags.

        Args:
            request: What was given elsewhere.
            model: The model that paints, for the size of an aspect ratio.
            override: Whether flags override what was given elsewhere; else that is an error.

        Raises:
            InvalidRequest: When both give a value for the same field, and they differ.
        """
        values = dict(self.values)
        if self.dimensions is not None:
            values["width"], values["height"] = self.dimensions.sides(model)
        negative = (request.negative_prompt, values.get("negative_prompt"))
        values["negative_prompt"] = ", ".join(text for text in negative if text)
        unset = ImageRequest(prompt="")
        for name, value in values.items():
            before = getattr(request, name)
            agreed = before in (getattr(unset, name), value)
            if not (override or agreed or name == "negative_prompt"):
                raise _given_twice(name, before, value)
        return replace(request, **values)


def without_flags(prompt: str) -> tuple[str, Flags]:
    """The words of a prompt, and its flags.

    Raises:
        InvalidRequest: When a flag doesn't exist (with the most similar one), its value isn't
            valid, or it's the weight of a picture that isn't there.
    """
    words: list[str] = []
    values: dict[str, Any] = {}
    unwanted: list[str] = []
    pictures: list[NamedPicture] = []
    ignored: dict[str, None] = {}
    typed: list[str] = []
    begin = at = 0
    found = list(_flags_in(prompt))
    for number, flag in enumerate(found):
        words.append(prompt[at : flag.start()])
        typed.append(prompt[begin:at].strip())
        begin = flag.start()
        end = found[number + 1].start() if number + 1 < len(found) else len(prompt)
        name = flag["name"].lower()
        if name in SWITCHES:
            values |= SWITCHES[name]
            at = flag.end()
            continue
        if midjourney := MIDJOURNEY_ONLY.get(name):
            ignored[f"--{name}"] = None
            taken = midjourney.match(prompt, flag.end(), end)
            at = taken.end() if taken else flag.end()
            continue
        read = reader_of(name)
        rest = prompt[flag.end() : end]
        if name == "no":
            text, at = rest.strip().rstrip(SEPARATORS), end
        else:
            match = VALUE.match(rest)
            text, at = (match["value"], flag.end() + match.end()) if match else ("", end)
            text = unicodedata.normalize("NFKC", text.rstrip(SEPARATORS))
        if not text:
            raise InvalidRequest(
                say(
                    "{flag} needs a value. Example: {example}.",
                    flag=f"--{name}",
                    example=EXAMPLES[ALIASES[name]],
                )
            )
        for key, value in read(name, text).items():
            if key == "pictures":
                pictures.append(value)
                continue
            if key == "negative_prompt":
                unwanted.append(value)
            elif key in values and values[key] != value:
                raise _given_twice(key, values[key], value)
            values[key] = value
    words.append(prompt[at:])
    typed.append(prompt[begin:at].strip())
    dimensions, draft = values.pop("shape", None), values.pop("draft", False)
    weights = {
        kind: values.pop(field_name)
        for kind in PictureKind
        if (field_name := f"{kind}_weight") in values
    }
    if unwanted:
        values["negative_prompt"] = ", ".join(unwanted)
    text = " ".join(filter(None, typed))
    flags = Flags(
        values, dimensions, tuple(ignored), draft, tuple(pictures), text=text, weights=weights
    )
    _require_weighed(flags)
    return " ".join(" ".join(words).split()) if found else prompt, flags


def _require_weighed(flags: Flags) -> None:
    """Raise `InvalidRequest` when there's a weight of pictures, but none of its kind."""
    kinds = {named.kind for named in flags.pictures}
    pictures = {kind: name for name, kind in PICTURE_FLAGS.items()}
    for name, kind in WEIGHT_FLAGS.items():
        if kind in flags.weights and kind not in kinds:
            raise InvalidRequest(
                say(
                    "{flag} is the weight of {other}, which isn't there. Add it, or remove {flag}.",
                    flag=f"--{name}",
                    other=f"--{pictures[kind]}",
                )
            )


def ignored_flags(prompt: str) -> tuple[str, ...]:
    """Midjourney's flags in a prompt that have no effect here."""
    names = (f"--{found['name'].lower()}" for found in _flags_in(prompt))
    return tuple(dict.fromkeys(name for name in names if name[2:] in MIDJOURNEY_ONLY))


def _flags_in(prompt: str) -> list[re.Match[str]]:
    """The starts of flags. Only two hyphens after a space start one before an unknown name."""
    return [found for found in FLAG.finditer(prompt) if _is_flag(found)]


def _is_flag(found: re.Match[str]) -> bool:
    hyphens, close = found["dash"] in ("--", "－－"), found["close"] is not None
    if hyphens and not close:
        return True
    name = found["name"].lower()
    known = name in ALIASES or _has_value(MIDJOURNEY_ONLY.get(name), found.string, found.end())
    return known and (not close or len(found["dash"]) == 2)


def _has_value(pattern: re.Pattern[str] | None, prompt: str, at: int) -> bool:
    """Whether a value of a flag stands there, so that a dash before it was two hyphens."""
    found = pattern.match(prompt, at) if pattern else None
    return bool(found and found["value"])


def _given_twice(field_name: str, one: Any, other: Any) -> InvalidRequest:
    return InvalidRequest(
        say(
            "The {what} is given twice: {one} and {other}. Remove one of them.",
            what=say(FIELDS[field_name]),
            one=_text(one),
            other=_text(other),
        )
    )


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
