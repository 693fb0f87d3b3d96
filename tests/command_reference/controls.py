"""The tables of buttons, menus and modals."""

from __future__ import annotations

import inspect
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, get_args, get_origin

from discord import ui

from cogs import Atelier
from cogs.messages.dynamic_items import ActionRegistry
from cogs.messages.modals import ModalCog

from .commands import first_line, row, table
from .requirements import limits, who

GROUP = re.compile(r"\(\?P<(?P<name>\w+)>(?P<pattern>[^()]*)\)")
"""A named group of the pattern of a custom_id."""

MAYBE = re.compile(r"\(\?:(?P<part>[^()]*)\)\?")
"""A part of it that may be left out, once the groups in it are filled in."""

NOBODY: Any = None
"""In place of an interaction: items are rebuilt from their ids alone."""

SAMPLES = ("0", "1", "1" * 12, "1" * 32 + ".png", "something")
"""What fills the parts of a custom_id that say which job, picture, page or upload it is about."""


async def controls(bot: Atelier) -> list[str]:
    """A section for each module of buttons and menus, named by the first sentence about it."""
    rows: dict[str, list[str]] = defaultdict(list)
    for match, item in await items():
        title = (sys.modules[type(item).__module__].__doc__ or "").partition(".")[0]
        about = first_line(_about(bot, item))
        rows[title].append(row(_shown(item, match), about, *_requirements(bot, item.callback)))
    head = table("Control", "What it does", "Who", "Limits")
    parts = []
    for title in sorted(rows):
        parts += [f"### {title}", "\n".join([*head, *dict.fromkeys(rows[title])])]
    return parts


async def items() -> list[tuple[re.Match[str], ui.DynamicItem[Any]]]:
    """Every button and select that outlives a restart, with the custom_id that it was made of."""
    return [
        (match, await kind.from_custom_id(NOBODY, _blank(kind, match.string), match))
        for kind in sorted(_kinds(), key=lambda kind: (kind.__module__, kind.__name__))
        for match in _ids(kind)
    ]


def modal_cogs(bot: Atelier) -> list[ModalCog]:
    """The cogs that take in modals."""
    return [cog for cog in bot.cogs.values() if isinstance(cog, ModalCog)]


def modals(bot: Atelier) -> Iterator[str]:
    """A table of modals, by the kinds in their custom_ids."""
    rows = (
        row(
            _kinds_of(cog.form),
            first_line(cog.submitted.__doc__),
            *_requirements(bot, cog.submitted),
        )
        for cog in modal_cogs(bot)
    )
    yield "\n".join([*table("Modal", "What it does", "Who", "Limits"), *rows])


def _requirements(bot: Atelier, callback: Callable[..., Any]) -> tuple[str, str]:
    return who(bot, callback), ", ".join(limits(bot, callback))


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


def _shown(item: ui.DynamicItem[Any], match: re.Match[str]) -> str:
    """Its emoji and label; where the label varies, the words of its class."""
    inner: ui.Item[Any] = item.item
    label: str | None = getattr(inner, "label", None) or getattr(inner, "placeholder", None)
    emoji = str(getattr(inner, "emoji", None) or "")
    if label == "…" or label in match.groups() or not (label or emoji):
        words = re.findall("[A-Z][a-z]+", type(item).__name__)
        label = f"*{' '.join(words).capitalize()}*"
    menu = "" if isinstance(inner, ui.Button) else "(menu)"
    return " ".join(part for part in (emoji, label, menu) if part)


def _kinds_of(form: re.Pattern[str]) -> str:
    """The kinds of modals in the custom_ids that a cog takes in."""
    group = re.search(r"\(\?P<kind>([\w|]+)\)", form.pattern)
    kinds = group[1].split("|") if group else [form.pattern.partition(":")[0].rpartition("-")[2]]
    return ", ".join(kinds)
