"""Styles: prompt templates that a server has named, and each person's defaults."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from engine.errors import InvalidRequest
from engine.jobs.recipe import MAX_PROMPT
from engine.jobs.request import ImageRequest
from engine.models.names import NAME
from engine.prompts.dynamic_prompts import expand_dynamic_prompt
from engine.prompts.flags import without_flags
from engine.stored_json import load_stored, report_damage
from speech import say

PLACE = "{prompt}"
"""Where in a template the person's prompt goes; without it, the prompt goes in front."""

STYLES, USER_DEFAULTS = "styles", "wishes"
"""The preferences that hold the styles of a scope and the defaults of a person."""

SAFE_PRIVACY = "private"
"""The privacy of a person whose choice can't be read: they may have chosen it."""

NONE = "none"
"""The name that asks for no style, for people who have a default one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A template that is wrapped around a prompt.

    Attributes:
        name: What people call it.
        prompt: The template.
        negative_prompt: Added to the person's negative prompt.
        model: The model to paint with if the person names none.
    """

    name: str
    prompt: str
    negative_prompt: str = ""
    model: str | None = None

    def applied_to(self, request: ImageRequest) -> ImageRequest:
        """The request with this style's words; its model is up to the caller."""
        prompt = request.prompt.strip()
        if not prompt:
            return request  # it is refused for being empty
        template = self.prompt if PLACE in self.prompt else f"{PLACE}, {self.prompt}"
        negative = [text for text in (request.negative_prompt, self.negative_prompt) if text]
        return replace(
            request,
            prompt=template.replace(PLACE, prompt),
            negative_prompt=", ".join(negative),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDefaults:
    """A person's defaults for what their requests leave open; `None` leaves it to the server.

    Attributes:
        model: Name of a model.
        ratio: Width to height, such as “3:2”.
        style: Name of a style, used in servers that have one of that name.
        privacy: How the pictures are kept from others, in the caller's words (opaque here).
        mention: When to tell them of a finished picture, in the caller's words (opaque here).
    """

    model: str | None = None
    ratio: str | None = None
    style: str | None = None
    privacy: str | None = None
    mention: str | None = None

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """The defaults as they are stored; none stored means none set."""
        empty: dict[str, Any] = {}
        stored, intact = load_stored(text, empty, "defaults of a person")
        if not intact:
            return cls(privacy=SAFE_PRIVACY)
        names = [field.name for field in fields(cls)]
        return cls(**{name: stored[name] for name in names if isinstance(stored.get(name), str)})

    def to_json(self) -> str:
        """The defaults as they are stored."""
        return json.dumps(asdict(self))


def styles_from_json(text: str | None) -> dict[str, Style]:
    """The styles of a scope as they are stored, by their names in lower case."""
    empty: list[Any] = []
    stored, _ = load_stored(text, empty, "list of styles")
    styles = []
    for value in stored:
        try:
            style = Style(**value)
            styles.append((style.name.casefold(), style))
        except (TypeError, AttributeError):
            report_damage("style")
    return dict(styles)


def styles_to_json(styles: Iterable[Style]) -> str:
    """The styles of a scope as they are stored: sorted by name, whatever the case."""
    ordered = sorted(styles, key=lambda style: style.name.casefold())
    return json.dumps([asdict(style) for style in ordered])


def find_style(styles: Mapping[str, Style], name: str) -> Style:
    """The style called `name`, whatever the case.

    Raises:
        InvalidRequest: With the closest name that exists.
    """
    if (found := styles.get(name.strip().casefold())) is not None:
        return found
    if not styles:
        raise InvalidRequest(
            say("There's no style “{name}”. None have been added here.", name=name)
        )
    if near := difflib.get_close_matches(name.casefold(), styles, n=1):
        meant = styles[near[0]].name
        raise InvalidRequest(
            say("There's no style “{name}”. Did you mean “{meant}”?", name=name, meant=meant)
        )
    raise InvalidRequest(say("There's no style “{name}”.", name=name))


def check_style_name(name: str) -> None:
    """Raise `InvalidRequest` unless a style may be called `name`."""
    if not NAME.fullmatch(name):
        raise InvalidRequest(
            say(
                "“{name}” isn't a valid name. Use 1 to 50 letters, digits, dots, hyphens or "
                "underscores.",
                name=name,
            )
        )
    if name.casefold() == NONE:
        raise InvalidRequest(say("“{name}” means no style. Use another name.", name=name))


def check_style(style: Style) -> None:
    """Raise `InvalidRequest` unless `style` is valid."""
    check_style_name(style.name)
    if not style.prompt.replace(PLACE, "").strip():
        raise InvalidRequest(say("The style is empty. Write what it adds to a prompt."))
    if len(style.prompt) > MAX_PROMPT // 2 or len(style.negative_prompt) > MAX_PROMPT // 2:
        raise InvalidRequest(
            say("A style can have at most {most} characters.", most=MAX_PROMPT // 2)
        )
    if style.prompt.count(PLACE) > 1:
        raise InvalidRequest(
            say("The style contains {place} more than once. Use it only once.", place=PLACE)
        )
    if without_flags(style.prompt)[1].text:
        raise InvalidRequest(say("A style can't contain flags. Put them in the prompt."))
    if len(expand_dynamic_prompt(style.prompt.replace(PLACE, ""))) > 1:
        raise InvalidRequest(say("A style can't contain choices in braces."))
