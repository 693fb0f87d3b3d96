"""The page as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from cogs import Atelier
from cogs.about.help import Audience
from cogs.discord_settings import LimitSettings
from tests.discord_server.errors import Json

from .commands import commands, menus, row
from .controls import controls, modals
from .requirements import LIMITS, OWNERS, WHO

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
COMMAND = "python -m tests.command_reference"
"""What writes the page anew."""

HEAD = f"""\
# Commands, buttons and modals

Written by `{COMMAND}` from the bot itself, and held true by a test. Options in
bold must be given; *completes* means that Discord offers what fits while somebody types. Nothing of
this works for who is blocked (`/block`), and every click is checked like a command. The words for
who may use something, and for the limits that can come into play, are explained at the end."""


async def reference(bot: Atelier) -> str:
    """The page about a bot that is furnished."""
    registered = await _registered(bot)
    sections = [
        HEAD,
        *_section("Commands", commands(bot, registered)),
        *_section("Context menus", menus(bot, registered)),
        *_section("Buttons and selects", await controls(bot)),
        *_section("Modals", modals(bot)),
        *_section("Who is who", _people()),
        *_section("Limits", _limits()),
    ]
    return "\n\n".join(sections) + "\n"


async def _registered(bot: Atelier) -> list[Json]:
    """The commands as Discord is told them, their names in each language among it."""
    tree = bot.tree
    translator = tree.translator
    assert translator is not None, "a bot that is furnished has one"
    return [await each.get_translated_payload(tree, translator) for each in tree.get_commands()]


def _section(title: str, lines: Sequence[str] | Iterator[str]) -> tuple[str, str]:
    return f"## {title}", "\n".join(lines)


def _people() -> Iterator[str]:
    for audience in Audience:
        if audience is not Audience.EVERYBODY:
            yield f"- *{WHO[audience]}*: {audience.value.removeprefix('For ')}"
    yield (
        f"- *{OWNERS}*: for others' jobs it takes Manage Messages in that channel, or a role the "
        "owner named"
    )


def _limits() -> Iterator[str]:
    yield from dict.fromkeys(f"- *{word}*: {meaning}" for word, meaning in LIMITS.values())
    yield ""
    yield "| `[limits]` in the settings | By default | |"
    yield "| --- | --- | --- |"
    for name, field in LimitSettings.model_fields.items():
        yield row(f"`{name}`", f"{field.default or 'none'}", field.description or "")
