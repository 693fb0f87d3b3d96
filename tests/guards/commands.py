"""What has to follow the commands, buttons and modals of the bot."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from discord import AppCommandType

from cogs import Atelier
from cogs.about.command_list import AUDIENCES, Audience, slash_commands
from tests.cogs.tour.keys import keys
from tests.cogs.tour.table import STOPS
from tests.command_reference import PAGE, reference
from tests.command_reference.commands import bound
from tests.command_reference.controls import items, modal_cogs
from tests.command_reference.reach import reached
from tests.command_reference.requirements import DEMANDS, LIMITS, OWN, WHO, audience, leads_to
from tests.pages import Page, code

FOR_ALL = {"bot_permissions", "postable", "access", "running", "unblocked"}
"""Of the functions `require_…`: those that everything calls, or that are part of another."""

PAGES = {
    Audience.EVERYBODY: "members.md",
    Audience.TRAINERS: "members.md",
    Audience.MODERATORS: "moderators.md",
    Audience.MANAGERS: "moderators.md",
    Audience.OWNER: "owners.md",
}
"""The page of the manual with the commands that someone can use."""


async def audiences(bot: Atelier) -> Iterator[str]:
    """Commands of which /help doesn't say whom their code lets through."""
    demanded = {each.qualified_name: audience(bot, bound(each)) for each in slash_commands(bot)}
    return (
        f"/{name} is for {WHO[whom]}"
        for name, whom in demanded.items()
        if AUDIENCES.get(name, Audience.EVERYBODY) is not whom
    )


async def requirements(bot: Atelier) -> list[str]:
    """Functions `require_…` without words, and words for functions that don't exist."""
    called = {name for start in await _starts(bot) for name in reached(bot, start)}
    required = {name for name in called if name.startswith("cogs.policy.access.require_")}
    known = (*DEMANDS, *LIMITS)
    wordless = {name for name in required if not any(leads_to([name], each) for each in known)}
    there = [f"{module}.{name}" for module, name in _functions()]
    return [
        *sorted(each for each in wordless if each.rpartition(".require_")[2] not in FOR_ALL),
        *(f"{name} doesn't exist" for name in (*known, OWN) if not leads_to(there, name)),
    ]


async def outdated(bot: Atelier) -> list[str]:
    """Headings of the page of which it doesn't say what is true now."""
    there, wanted = _sections(PAGE.read_text("utf-8")), _sections(await reference(bot))
    return [
        heading
        for heading in dict.fromkeys([*wanted, *there])
        if there.get(heading) != wanted.get(heading)
    ]


def _sections(page: str) -> dict[str, str]:
    parts = re.split(r"^(?=#+ )", page, flags=re.MULTILINE)
    return {part.partition("\n")[0].lstrip("# "): part for part in parts}


async def undocumented(bot: Atelier) -> Iterator[str]:
    """Commands that aren't on the page of those who can use them, in either language."""
    return (
        f"/{command.qualified_name}: {page.path}"
        for command in slash_commands(bot)
        for page in _pages(audience(bot, bound(command)))
        if f"/{command.qualified_name}" not in code(page.prose)
    )


def _pages(whom: Audience) -> Iterator[Page]:
    for folder in (Path("docs"), Path("docs", "zh-CN")):
        yield Page(folder / PAGES[whom])


async def unvisited(bot: Atelier) -> list[str]:
    """What has no stop on the tour, and stops at what doesn't exist."""
    there, stops = await keys(bot), {stop.key for stop in STOPS}
    return [
        *(f"{key} has no stop" for key in sorted(there - stops)),
        *(f"{key} doesn't exist" for key in sorted(stops - there)),
    ]


async def _starts(bot: Atelier) -> list[Callable[..., Any]]:
    """Everything that answers people."""
    return [
        *(bound(command) for command in slash_commands(bot)),
        *(menu.callback for menu in bot.tree.get_commands(type=AppCommandType.message)),
        *(item.callback for _, item in await items()),
        *(cog.submitted for cog in modal_cogs(bot)),
    ]


def _functions() -> Iterator[tuple[str, str]]:
    """The functions and methods of `cogs`, each with its module."""
    for module in [each for name, each in sys.modules.items() if name.startswith("cogs.")]:
        for name, value in vars(module).items():
            yield module.__name__, name
            if inspect.isclass(value):
                yield from ((module.__name__, f"{name}.{each}") for each in vars(value))
