"""`docs/commands.md` matches the bot, and what it says about who can use what is true."""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest_asyncio
from discord import AppCommandType

from cogs import Atelier
from cogs.about.help import AUDIENCES, Audience, slash_commands
from cogs.messages.picture_buttons import PictureButton
from engine import Parent
from tests.offline_bot import offline_bot

from .command_reference import COMMAND, PAGE, reference
from .command_reference.commands import bound
from .command_reference.controls import items, listeners
from .command_reference.reach import reached
from .command_reference.requirements import DEMANDS, LIMITS, OWN, audience, leads_to, limits, who

FOR_ALL = {"bot_permissions", "access", "running", "unblocked"}
"""Of the functions `require_…`: those that everything calls, or that are part of another."""


@pytest_asyncio.fixture
async def bot() -> AsyncIterator[Atelier]:
    async with offline_bot() as bot:
        yield bot


async def test_the_page_is_as_the_bot_is(bot: Atelier) -> None:
    same = PAGE.read_text("utf-8") == await reference(bot)
    assert same, f"docs/commands.md is out of date, rewrite it: {COMMAND}"


async def test_help_says_of_each_command_what_its_code_demands(bot: Atelier) -> None:
    demanded = {each.qualified_name: audience(bot, bound(each)) for each in slash_commands(bot)}
    assert demanded == {name: AUDIENCES.get(name, Audience.EVERYBODY) for name in demanded}


async def test_demands_are_found_behind_whatever_leads_to_them(bot: Atelier) -> None:
    commands = {each.qualified_name: bound(each) for each in slash_commands(bot)}
    strong, details = (PictureButton(verb, Parent(1, 0)) for verb in ("strong", "details"))
    assert who(bot, commands["cancel"]) == "the job's owner"
    assert {"hourly limit", "painting channels"} <= set(limits(bot, commands["imagine"]))
    assert {"hourly limit", "painting channels"} <= set(limits(bot, strong.callback))
    assert "painting channels" not in limits(bot, details.callback)
    assert not limits(bot, commands["help"])


async def test_every_demand_of_the_policy_has_its_words(bot: Atelier) -> None:
    called = {name for start in await starts(bot) for name in reached(bot, start)}
    demands = {name for name in called if name.startswith("cogs.policy.access.require_")}
    worded = {name for name in demands for known in (*DEMANDS, *LIMITS) if leads_to([name], known)}
    assert {name.rpartition(".require_")[2] for name in demands - worded} <= FOR_ALL, (
        "give it words in tests/command_reference/requirements.py"
    )


def test_words_are_about_functions_that_there_are() -> None:
    there = [f"{module}.{name}" for module, name in functions()]
    assert [name for name in (*DEMANDS, *LIMITS, OWN) if not leads_to(there, name)] == []


async def starts(bot: Atelier) -> list[Callable[..., Any]]:
    """Everything that answers people."""
    return [
        *(bound(command) for command in slash_commands(bot)),
        *(menu.callback for menu in bot.tree.get_commands(type=AppCommandType.message)),
        *(item.callback for _, item in await items()),
        *(listener for _, listener in listeners(bot)),
    ]


def functions() -> Iterator[tuple[str, str]]:
    """The functions and methods of `cogs`, each with its module."""
    for module in [each for name, each in sys.modules.items() if name.startswith("cogs.")]:
        for name, value in vars(module).items():
            yield module.__name__, name
            if inspect.isclass(value):
                yield from ((module.__name__, f"{name}.{each}") for each in vars(value))
