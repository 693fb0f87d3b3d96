"""The tables of commands and context menus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from discord import AppCommandType, app_commands

from cogs import Atelier
from tests.discord_server.errors import Json

from .requirements import limits, who

KINDS = {
    3: "text",
    4: "whole number",
    5: "yes or no",
    6: "person",
    7: "channel",
    8: "role",
    9: "person or role",
    10: "number",
    11: "file",
}
PLACES = ("servers", "direct messages with the bot", "other direct messages")
"""Contexts in which a command can be used, by Discord's numbers."""

FOR_ONESELF = 1
"""The kind of installation with which somebody has the bot wherever they are."""

SUBCOMMAND, GROUP = 1, 2
SLASH = 1
"""The type of commands that are typed; the others are in a menu."""

CHINESE = "zh-CN"


def commands(bot: Atelier, registered: Sequence[Json]) -> Iterator[str]:
    """A table of slash commands; `registered` is what Discord was told."""
    yield "| Command | Options | Who | Where | Limits |"
    yield "| --- | --- | --- | --- | --- |"
    for root in sorted(registered, key=lambda each: str(each["name"])):
        if root["type"] == SLASH:
            for names, command in _leaves([], root):
                yield _row(bot, root, names, command)


def menus(bot: Atelier, registered: Sequence[Json]) -> Iterator[str]:
    """A table of what is in the menus of messages and people."""
    yield "| Under Apps | What it does | Who | Where | Limits |"
    yield "| --- | --- | --- | --- | --- |"
    for command in sorted(registered, key=lambda each: str(each["name"])):
        if command["type"] != SLASH:
            kind = AppCommandType(command["type"])
            found = bot.tree.get_command(command["name"], type=kind)
            assert isinstance(found, app_commands.ContextMenu)
            title = _titled(f"**{command['name']}**", [command])
            about = first_line(found.callback.__doc__)
            yield row(
                f"{title}, on a {kind.name}",
                about,
                who(bot, found.callback),
                _where(command),
                limits(bot, found.callback),
            )


def row(*cells: str) -> str:
    """A row of a table in Markdown."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def first_line(text: str | None) -> str:
    """The first sentence of a docstring."""
    return (text or "").strip().partition("\n")[0]


def _leaves(path: list[Json], command: Json) -> Iterator[tuple[list[Json], Json]]:
    inner = [each for each in command.get("options", []) if each["type"] in (SUBCOMMAND, GROUP)]
    if command.get("options") and inner:
        for each in sorted(inner, key=lambda each: str(each["name"])):
            yield from _leaves([*path, command], each)
    else:
        yield [*path, command], command


def _row(bot: Atelier, root: Json, path: list[Json], command: Json) -> str:
    found = _command(bot, [str(each["name"]) for each in path])
    callback = bound(found)
    title = _titled(f"`/{found.qualified_name}`", path)
    options = "<br>".join(_option(each) for each in command.get("options", []))
    return row(
        f"{title}<br>{command['description']}",
        options,
        who(bot, callback),
        _where(root),
        limits(bot, callback),
    )


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


def _titled(title: str, path: Sequence[Json]) -> str:
    """With what it is called in Chinese, where that differs."""
    named = [
        str((each.get("name_localizations") or {}).get(CHINESE, each["name"])) for each in path
    ]
    if named == [str(each["name"]) for each in path]:
        return title
    return f"{title} · {' '.join(named)}"


def _where(root: Json) -> str:
    contexts = root.get("contexts")
    places = PLACES if contexts is None else [PLACES[number] for number in contexts]
    alone = (
        "; installed for oneself too" if FOR_ONESELF in root.get("integration_types", []) else ""
    )
    return ", ".join(places) + alone


def _option(option: Json) -> str:
    """One option: its name, what it takes, and what it is."""
    facts = [KINDS[option["type"]], *_bounds(option)]
    if option.get("autocomplete"):
        facts.append("completes")
    needed = "**" if option.get("required") else ""
    return f"{needed}`{option['name']}`{needed} ({', '.join(facts)}): {option['description']}"


def _bounds(option: Json) -> Iterator[str]:
    if choices := option.get("choices"):
        yield "one of " + " · ".join(str(each["name"]) for each in choices)
    if (most := option.get("max_length")) is not None:
        yield f"{option.get('min_length', 0)} to {most} characters"
    low, high = option.get("min_value"), option.get("max_value")
    if low is not None and high is not None:
        yield f"{low:g} to {high:g}" if option["type"] != 4 else f"{low} to {high}"
    elif low is not None:
        yield f"{low} or more"
    elif high is not None:
        yield f"at most {high}"
