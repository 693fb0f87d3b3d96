"""The sections of slash commands and context menus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from discord import AppCommandType, app_commands

from cogs import Atelier
from tests.discord_server.errors import Json

from .requirements import limits, who

KINDS = {
    3: "text",
    4: "whole number",
    5: "true or false",
    6: "member",
    7: "channel",
    8: "role",
    9: "member or role",
    10: "number",
    11: "file",
}
PLACES = ("servers", "the bot's DMs", "group DMs")
"""Contexts in which a command works, by Discord's numbers."""

USER_INSTALL = 1
"""The integration type of people who add the bot to their account."""

SUBCOMMAND, GROUP = 1, 2
SLASH = 1
"""The type of commands that are typed; the others are in a menu."""

CHINESE = "zh-CN"


def commands(bot: Atelier, registered: Sequence[Json]) -> Iterator[str]:
    """A section for each slash command; `registered` is what Discord was told."""
    for root in sorted(registered, key=lambda each: str(each["name"])):
        if root["type"] == SLASH:
            for path, command in _leaves([], root):
                yield from _section(bot, root, path, command)


def menus(bot: Atelier, registered: Sequence[Json]) -> Iterator[str]:
    """A section for each context menu."""
    for command in sorted(registered, key=lambda each: str(each["name"])):
        if command["type"] != SLASH:
            kind = AppCommandType(command["type"])
            found = bot.tree.get_command(command["name"], type=kind)
            assert isinstance(found, app_commands.ContextMenu)
            yield f"### {command['name']}"
            yield first_line(found.callback.__doc__)
            chinese = [f"- In Chinese: {name}" for name in _in_chinese([command])]
            yield "\n".join(chinese + facts(bot, found.callback, _where(command)))


def facts(bot: Atelier, callback: Callable[..., Any], where: str) -> list[str]:
    """A list of who can use something, where, and under which limits."""
    found = limits(bot, callback)
    return [
        f"- Who: {who(bot, callback)}",
        f"- Where: {where}",
        *([f"- Limits: {', '.join(found)}"] if found else []),
    ]


def table(*columns: str) -> list[str]:
    """The head of a table in Markdown."""
    return [row(*columns), row(*("---" for _ in columns))]


def row(*cells: str) -> str:
    """A row of a table in Markdown."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def first_line(text: str | None) -> str:
    """The first line of a docstring, as a sentence."""
    line = (text or "").strip().partition("\n")[0]
    return line if line.endswith(".") else f"{line}."


def _leaves(path: list[Json], command: Json) -> Iterator[tuple[list[Json], Json]]:
    inner = [each for each in command.get("options", []) if each["type"] in (SUBCOMMAND, GROUP)]
    if command.get("options") and inner:
        for each in sorted(inner, key=lambda each: str(each["name"])):
            yield from _leaves([*path, command], each)
    else:
        yield [*path, command], command


def _section(bot: Atelier, root: Json, path: list[Json], command: Json) -> Iterator[str]:
    found = _command(bot, [str(each["name"]) for each in path])
    yield f"### `/{found.qualified_name}`"
    yield first_line(str(command["description"]))
    chinese = [f"- In Chinese: `/{name}`" for name in _in_chinese(path)]
    yield "\n".join(chinese + facts(bot, bound(found), _where(root)))
    if options := [_option(each) for each in command.get("options", [])]:
        yield "\n".join([*table("Option", "Value", "Description"), *options])


def bound(command: app_commands.Command[Any, ..., Any]) -> Any:
    """The function that answers it, with the cog that it belongs to."""
    callback: Any = command.callback
    return callback if command.binding is None else callback.__get__(command.binding)


def _command(bot: Atelier, names: Sequence[str]) -> app_commands.Command[Any, ..., Any]:
    found: Any = bot.tree.get_command(names[0])
    for name in names[1:]:
        found = found.get_command(name)
    assert isinstance(found, app_commands.Command)
    return found


def _in_chinese(path: Sequence[Json]) -> list[str]:
    """What it's called in Chinese, if that differs."""
    names = [str(each["name"]) for each in path]
    chinese = [
        str((each.get("name_localizations") or {}).get(CHINESE, each["name"])) for each in path
    ]
    return [] if chinese == names else [" ".join(chinese)]


def _where(root: Json) -> str:
    contexts = root.get("contexts")
    places = PLACES if contexts is None else [PLACES[number] for number in contexts]
    personal = USER_INSTALL in root.get("integration_types", [])
    return ", ".join(places) + ("; with a personal install, anywhere" if personal else "")


def _option(option: Json) -> str:
    """A row about one option: its name, what it takes, and what it is."""
    value = ", ".join([KINDS[option["type"]], *_bounds(option)])
    suggests = "; suggestions" if option.get("autocomplete") else ""
    required = " (required)" if option.get("required") else ""
    return row(f"`{option['name']}`{required}", value + suggests, str(option["description"]))


def _bounds(option: Json) -> Iterator[str]:
    if choices := option.get("choices"):
        yield "one of " + ", ".join(str(each["name"]) for each in choices)
    if (most := option.get("max_length")) is not None:
        yield f"{option.get('min_length', 0)}–{most} characters"
    low, high = option.get("min_value"), option.get("max_value")
    if low is not None and high is not None:
        yield f"{low:g}–{high:g}" if option["type"] != 4 else f"{low}–{high}"
    elif low is not None:
        yield f"{low} or more"
    elif high is not None:
        yield f"at most {high}"
