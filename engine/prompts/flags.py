"""What Midjourney users type behind the words of a prompt: “a red house --ar 3:2 --no rain”.

--ar 3:2             width to height, at about the area of the model's own size
--size 768x512       the same in pixels
--no rain, hands     what the picture should not show; everything up to the next flag
--seed 7  --steps 20  --cfg 6  --repeat 4  --model NAME  --scheduler NAME
--strength 0.5       how far to leave the picture behind that it starts from
--iw 1               the same by the weight of that picture, 0 to 3; 1 is as usual, more keeps more
--chaos 30           how unlike each other the pictures become, 0 to 100
--tile               a picture without edges

Phones make a dash of two hyphens: “—ar 3:2” is understood, and a dash before any other word is a
dash. A flag stands over the defaults of a server or a person. What is typed into an option of the
command stands beside it: if the two say different things, that is an error, since one of them is
a mistake; what is said by both sides of things that the picture should not show counts together.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.errors import InvalidRequest
from engine.jobs.request import ImageRequest
from engine.models.catalogue import Model
from engine.prompts.dimensions import Dimensions
from engine.prompts.flag_table import ALIASES, EXAMPLES, SWITCHES, reader_of
from speech import phrase, say

FLAG = re.compile(r"(?:^|(?<=\s))(?P<dash>--|[\u2013\u2014])(?P<name>[A-Za-z][\w-]*)(?P<is>=?)")

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
}
"""What people call the fields of a request that can be said twice."""


@dataclass(frozen=True, slots=True)
class Flags:
    """What the flags of a prompt say.

    Attributes:
        asked: Values by the fields of `ImageRequest`; those that were not said are not in it.
        shape: The shape of the picture.
    """

    asked: Mapping[str, Any] = field(default_factory=dict)
    shape: Dimensions | None = None

    @property
    def model(self) -> str | None:
        """The name of the model that is wanted."""
        return self.asked.get("model")

    def applied_to(
        self, request: ImageRequest, model: Model, *, wins: bool = False
    ) -> ImageRequest:
        """The request with what the flags say.

        Args:
            request: What was said elsewhere.
            model: What paints it, in whose sizes a ratio is meant.
            wins: Whether the flags stand over what was said elsewhere; else that is a mistake.

        Raises:
            InvalidRequest: When both say something about the same, and not the same.
        """
        asked = dict(self.asked)
        if self.shape is not None:
            asked["width"], asked["height"] = self.shape.sides(model)
        nots = [text for text in (request.negative_prompt, asked.get("negative_prompt")) if text]
        asked["negative_prompt"] = ", ".join(nots)
        unsaid = ImageRequest(prompt="")
        for name, value in asked.items():
            before = getattr(request, name)
            agreed = before in (getattr(unsaid, name), value)
            if not (wins or agreed or name == "negative_prompt"):
                raise _said_twice(name, before, value)
        return replace(request, **asked)


def without_flags(prompt: str) -> tuple[str, Flags]:
    """The words of a prompt, and what its flags say.

    Raises:
        InvalidRequest: When there is no such flag, with the nearest one that there is, or its
            value makes no sense.
    """
    words: list[str] = []
    asked: dict[str, Any] = {}
    at = 0
    found = list(_flags_in(prompt))
    for number, flag in enumerate(found):
        words.append(prompt[at : flag.start()])
        end = found[number + 1].start() if number + 1 < len(found) else len(prompt)
        name = flag["name"].lower()
        if name in SWITCHES:
            asked |= SWITCHES[name]
            at = flag.end()
            continue
        read = reader_of(name)
        rest = prompt[flag.end() : end]
        if name == "no":
            text, at = rest.strip(), end
        else:
            match = VALUE.match(rest)
            text, at = (match["value"], flag.end() + match.end()) if match else ("", end)
        if not text:
            raise InvalidRequest(
                say(
                    "{flag} needs a value. Example: {example}.",
                    flag=f"--{name}",
                    example=EXAMPLES[ALIASES[name]],
                )
            )
        for key, value in read(name, text).items():
            if key == "negative_prompt" and key in asked:
                value = f"{asked[key]}, {value}"
            elif key in asked and asked[key] != value:
                raise _said_twice(key, asked[key], value)
            asked[key] = value
    words.append(prompt[at:])
    shape = asked.pop("shape", None)
    return " ".join(" ".join(words).split()) if found else prompt, Flags(asked, shape)


def _flags_in(prompt: str) -> list[re.Match[str]]:
    """Where flags begin. A dash begins one only before a name that there is."""
    return [
        found
        for found in FLAG.finditer(prompt)
        if found["dash"] == "--" or found["name"].lower() in ALIASES
    ]


def _said_twice(field_name: str, one: Any, other: Any) -> InvalidRequest:
    return InvalidRequest(
        say(
            "The {what} is given twice: {one} and {other}. Remove one of them.",
            what=say(FIELDS[field_name]),
            one=_spoken(one),
            other=_spoken(other),
        )
    )


def _spoken(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
