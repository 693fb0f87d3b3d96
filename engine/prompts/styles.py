"""Styles: prompt templates that a server has named, and what each person wants by default."""

import asyncio
import difflib
import json
from dataclasses import asdict, dataclass, replace
from typing import Self

from engine.errors import InvalidRequest
from engine.jobs.request import MAX_PROMPT, ImageRequest
from engine.models.catalogue import NAME
from engine.prompts.dynamic_prompts import expand_dynamic_prompt
from engine.prompts.flags import without_flags
from engine.store import Preferences
from speech import say

PLACE = "{prompt}"
"""Where in a template the words of the person stand; without it they stand in front."""

NONE = "none"
"""The name that asks for no style, where a person has one by default."""

MAX_STYLES = 100
"""Of one scope."""

STYLES = "styles"
USER_DEFAULTS = "wishes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A template that is laid around a prompt.

    Attributes:
        name: What people call it.
        prompt: The template.
        negative_prompt: What guidance steers away from, besides what the person says.
        model: The model that paints when the person names none.
    """

    name: str
    prompt: str
    negative_prompt: str = ""
    model: str | None = None

    def applied_to(self, request: ImageRequest) -> ImageRequest:
        """The request with the words of this style; which model paints is not decided here."""
        words = request.prompt.strip()
        if not words:
            return request  # it is refused for that
        template = self.prompt if PLACE in self.prompt else f"{PLACE}, {self.prompt}"
        nots = [text for text in (request.negative_prompt, self.negative_prompt) if text]
        return replace(
            request,
            prompt=template.replace(PLACE, words),
            negative_prompt=", ".join(nots),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDefaults:
    """What a person wants where their requests leave it open; `None` leaves it to the server.

    Attributes:
        model: Name of a model.
        ratio: Width to height, such as “3:2”.
        style: Name of a style, where a server has one of that name.
        privacy: How the pictures are kept from others, in the caller's words (opaque here).
    """

    model: str | None = None
    ratio: str | None = None
    style: str | None = None
    privacy: str | None = None

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """What `StyleBook.set_wishes` has kept; nothing kept is nothing wished for."""
        return cls(**json.loads(text or "{}"))


class StyleBook:
    """Reads and writes styles, by scope, and wishes, by person."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences
        self._writing = asyncio.Lock()

    async def all(self, scope: str) -> dict[str, Style]:
        """The styles of a scope by their names in small letters, in the order of these."""
        kept = json.loads(await self._preferences.get(scope, STYLES) or "[]")
        styles = [Style(**value) for value in kept]
        return {style.name.casefold(): style for style in styles}

    async def get(self, scope: str, name: str) -> Style:
        """The style called `name`, whatever the case.

        Raises:
            InvalidRequest: With the nearest name that there is.
        """
        styles = await self.all(scope)
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

    async def save(self, scope: str, style: Style) -> None:
        """Add a style, or write it anew.

        Raises:
            InvalidRequest: When it cannot be one; the text says why.
        """
        check_style(style)
        async with self._writing:
            styles = await self.all(scope) | {style.name.casefold(): style}
            if len(styles) > MAX_STYLES:
                raise InvalidRequest(
                    say("There are already {most} styles. Remove one first.", most=MAX_STYLES)
                )
            await self._write(scope, styles)

    async def remove(self, scope: str, name: str) -> Style:
        """Take a style out, and return it. Raises as `get`."""
        async with self._writing:
            style = await self.get(scope, name)
            styles = await self.all(scope)
            del styles[style.name.casefold()]
            await self._write(scope, styles)
        return style

    async def user_defaults(self, person: str) -> UserDefaults:
        """What somebody wants by default."""
        return UserDefaults.from_json(await self._preferences.get(person, USER_DEFAULTS))

    async def set_user_defaults(self, person: str, user_defaults: UserDefaults) -> None:
        """Remember it; empty `UserDefaults` forget all."""
        await self._preferences.set(person, USER_DEFAULTS, json.dumps(asdict(user_defaults)))

    async def _write(self, scope: str, styles: dict[str, Style]) -> None:
        ordered = [asdict(styles[name]) for name in sorted(styles)]
        await self._preferences.set(scope, STYLES, json.dumps(ordered))


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
    """Raise `InvalidRequest` unless `style` can be one."""
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
    words, flags = without_flags(style.prompt)
    if words != style.prompt or flags.asked or flags.shape:
        raise InvalidRequest(say("A style can't contain flags. Put them in the prompt."))
    if len(expand_dynamic_prompt(style.prompt.replace(PLACE, ""))) > 1:
        raise InvalidRequest(say("A style can't contain choices in braces."))
