"""The page as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from cogs import Atelier
from cogs.discord_settings import LimitSettings
from tests.discord_server.errors import Json

from .commands import commands, menus, row, table
from .controls import controls, modals
from .requirements import LIMITS

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
COMMAND = "python -m tests.command_reference"
"""What rewrites the page."""

HEAD = f"""\
# Commands, buttons and modals

Generated from the bot with `{COMMAND}`; a test keeps it up to date.
Options marked *suggestions* offer matching values while you type. Blocked members (`/block`) can't
use any of these; buttons, menus and modals are checked like commands. [Who](#who) and
[Limits](#limits) explain the terms."""

WHO = """\
- *everyone*: every member
- *moderators*: Timeout Members, Manage Server, or a role the owner chose (`admin_roles`)
- *server managers*: Manage Server, or a role the owner chose
- *the owner*: the owner of the bot's Discord application, admins and developers of its team, or a
  role the owner chose
- *the job's owner*: the member who requested it; for other members' jobs you need Manage Messages
  in that channel, or a role the owner chose"""


async def reference(bot: Atelier) -> str:
    """The page about a bot with all its features."""
    registered = await _registered(bot)
    sections = [
        HEAD,
        *_section("Commands", commands(bot, registered)),
        *_section("Context menus", menus(bot, registered)),
        *_section("Buttons and menus", await controls(bot)),
        *_section("Modals", modals(bot)),
        *_section("Who", [WHO]),
        *_section("Limits", _limits()),
    ]
    return "\n\n".join(sections) + "\n"


async def _registered(bot: Atelier) -> list[Json]:
    """The commands as Discord is told them, with their names in each language."""
    tree = bot.tree
    translator = tree.translator
    assert translator is not None, "a bot with all its features has one"
    return [await each.get_translated_payload(tree, translator) for each in tree.get_commands()]


def _section(title: str, parts: Iterable[str]) -> Iterator[str]:
    yield f"## {title}"
    yield from parts


def _limits() -> Iterator[str]:
    yield "\n".join(dict.fromkeys(f"- *{term}*: {meaning}" for term, meaning in LIMITS.values()))
    rows = (
        row(f"`{name}`", f"{field.default or 'none'}", field.description or "")
        for name, field in LimitSettings.model_fields.items()
    )
    yield "\n".join([*table("Setting in `[limits]`", "Default", "Meaning"), *rows])
