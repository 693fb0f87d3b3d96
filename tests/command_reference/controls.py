"""The tables of what is clicked: buttons, selects, and the modals that they open."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, get_args, get_origin

from discord import ui
from discord.ext import commands

from cogs import Atelier
from cogs.messages.dynamic_items import ActionRegistry

from .commands import first_line, row
from .requirements import limits, who

GROUP = re.compile(r"\(\?P<(?P<name>\w+)>(?P<pattern>[^()]*)\)")
"""A named group of the pattern of a custom_id."""

MAYBE = re.compile(r"\(\?:(?P<part>[^()]*)\)\?")
"""A part of it that may be left out, once the groups in it are filled in."""

NOBODY: Any = None
"""In place of an interaction: items are rebuilt from their ids alone."""

SAMPLES = ("0", "1", "1" * 32 + ".png", "something")
"""What fills the parts of a custom_id that say which job, picture, page or upload it is about."""


async def controls(bot: Atelier) -> list[str]:
    """A table of buttons and selects, each with what it does."""
    lines = ["| Button or select | What it does | Who | Limits |", "| --- | --- | --- | --- |"]
    for match, item in await items():
        about = first_line(_about(bot, item))
        lines.append(row(_shown(item.item, match), about, *_requirements(bot, item.callback)))
    return lines


async def items() -> list[tuple[re.Match[str], ui.DynamicItem[Any]]]:
    """Every button and select that outlives a restart, with the custom_id that it was made of."""
    return [
        (match, await kind.from_custom_id(NOBODY, _blank(kind, match.string), match))
        for kind in sorted(_kinds(), key=lambda kind: (kind.__module__, kind.__name__))
        for match in _ids(kind)
    ]


def listeners(bot: Atelier) -> Iterator[tuple[commands.Cog, Callable[..., Any]]]:
    """What hears of modals that are sent, and the cogs that it belongs to."""
    for cog in bot.cogs.values():
        for event, listener in cog.get_listeners():
            if event == "on_interaction":
                yield cog, listener


def modals(bot: Atelier) -> Iterator[str]:
    """A table of modals, by what their custom_id begins with, and the cog that takes them in."""
    yield "| Modal | Taken in by | Who | Limits |"
    yield "| --- | --- | --- | --- |"
    for cog, listener in listeners(bot):
        form: re.Pattern[str] = sys.modules[type(cog).__module__].__dict__["FORM"]
        yield row(_kinds_of(form), type(cog).__name__, *_requirements(bot, listener))


def _requirements(bot: Atelier, callback: Callable[..., Any]) -> tuple[str, str]:
    return who(bot, callback), limits(bot, callback)


def _kinds() -> list[type[ui.DynamicItem[Any]]]:
    return [kind for kind in ui.DynamicItem.__subclasses__() if kind.__module__.startswith("cogs.")]


def _ids(kind: type[ui.DynamicItem[Any]]) -> Iterator[re.Match[str]]:
    """A custom_id of that kind for everything that it can do."""
    template = kind.__discord_ui_compiled_template__
    groups = list(GROUP.finditer(template.pattern))
    for values in product(*(_values(kind, each["name"], each["pattern"]) for each in groups)):
        custom_id = template.pattern
        for group, value in zip(groups, values, strict=True):
            custom_id = custom_id.replace(group[0], value)
        custom_id = MAYBE.sub(r"\g<part>", custom_id)
        match = template.fullmatch(custom_id)
        assert match is not None, custom_id
        yield match


def _values(kind: type[ui.DynamicItem[Any]], name: str, pattern: str) -> list[str]:
    """What can stand there: every word of a choice, or something that fits."""
    if name == "verb" and "|" not in pattern:
        return list(sys.modules[kind.__module__].__dict__["BUTTONS"])
    return [
        next(sample for sample in (*SAMPLES, choice) if re.fullmatch(choice, sample))
        for choice in pattern.split("|")
    ]


def _blank(kind: type[ui.DynamicItem[Any]], custom_id: str) -> ui.Item[Any]:
    """The item that discord.py has read from a message."""
    [base] = [base for base in kind.__orig_bases__ if get_origin(base) is ui.DynamicItem]  # type: ignore[attr-defined]
    [held] = get_args(base)
    origin = get_origin(held)
    item: ui.Item[Any] = (ui.Select if origin is ui.Item else origin)(custom_id=custom_id)
    return item


def _about(bot: Atelier, item: ui.DynamicItem[Any]) -> str | None:
    """What it does, or else what it is."""
    beside = vars(sys.modules[type(item).__module__]).values()
    kinds = [each for each in beside if inspect.isclass(each) and issubclass(each, ActionRegistry)]
    for kind in kinds:
        if kind is not ActionRegistry and (verb := getattr(item, "_verb", None)):
            return bot.services[kind][verb].__doc__
    return type(item).__doc__


def _shown(item: ui.Item[Any], match: re.Match[str]) -> str:
    """What is on it; where that is made from its id, the id with … for what varies."""
    label: str | None = getattr(item, "label", None) or getattr(item, "placeholder", None)
    emoji = str(getattr(item, "emoji", None) or "")
    if label in match.groups() or not (label or emoji):
        varies = [value for value in match.groups() if value in SAMPLES]
        start = match.start(match.groups().index(varies[0]) + 1) if varies else len(match.string)
        label = f"`{match.string[:start]}{'…' if varies else ''}`"
    mark = "" if isinstance(item, ui.Button) else "⌄"
    return " ".join(part for part in (emoji, label, mark) if part)


def _kinds_of(form: re.Pattern[str]) -> str:
    """What its modals are called, each by the beginning of its custom_id."""
    prefix = form.pattern.partition(":")[0]
    group = re.search(r"\(\?P<kind>([\w|]+)\)", form.pattern)
    return (
        " · ".join(f"`{prefix}:{kind}`" for kind in group[1].split("|")) if group else f"`{prefix}`"
    )
