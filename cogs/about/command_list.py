"""Every command, clickable, by who may use it."""

from collections.abc import Iterable, Iterator
from enum import Enum

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs.context import Client
from cogs.messages.text import command_mention
from cogs.translator import MENU
from speech import current_language, phrase, say, translation

MAX_TEXT_LENGTH = 4000
"""Discord's limit for the text in all components of a message together, in characters."""


class Audience(Enum):
    """Who may use a command. The value is the heading on the page."""

    EVERYBODY = phrase("For everyone")
    MODERATORS = phrase(
        "For moderators (Timeout Members, Manage Server, or a role the owner chose)"
    )
    MANAGERS = phrase("For server managers (Manage Server, or a role the owner chose)")
    OWNER = phrase("For the bot's owner")


AUDIENCES: dict[str, Audience] = {
    "model use": Audience.MANAGERS,
    "model default": Audience.MANAGERS,
    "model allow": Audience.MANAGERS,
    "settings": Audience.MANAGERS,
    "gallery": Audience.MANAGERS,
    "style add": Audience.MANAGERS,
    "style edit": Audience.MANAGERS,
    "style remove": Audience.MANAGERS,
    "words block": Audience.MANAGERS,
    "words remove": Audience.MANAGERS,
    "words list": Audience.MANAGERS,
    "words review": Audience.MANAGERS,
    "block": Audience.MODERATORS,
    "unblock": Audience.MODERATORS,
    "audit": Audience.MODERATORS,
    "release": Audience.MODERATORS,
    "words waiting": Audience.MODERATORS,
    "model add": Audience.OWNER,
    "model remove": Audience.OWNER,
    "status": Audience.OWNER,
}
"""Who may use a command, by its name; the others are for everyone."""


def command_list(bot: Client, guild_id: int | None) -> ui.LayoutView:
    """The page of all commands, grouped by who may use them."""
    sections = [*_sections(bot, guild_id), *_menus(bot)]
    container: ui.Container[ui.LayoutView] = ui.Container()
    for text in _fit_into_message(sections):
        container.add_item(ui.TextDisplay(text))
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    return view


def _sections(bot: Client, guild_id: int | None) -> Iterator[str]:
    all_commands = sorted(slash_commands(bot), key=lambda command: command.qualified_name)
    for audience in Audience:
        report_lines = [
            f"{command_mention(bot, command.qualified_name, guild_id)} {description_of(command)}"
            for command in all_commands
            if AUDIENCES.get(command.qualified_name, Audience.EVERYBODY) is audience
        ]
        if report_lines:
            yield "\n".join([f"### {say(audience.value)}", *report_lines])


def description_of(command: app_commands.Command[commands.Cog, ..., None]) -> str:
    """The description of the command, in the current language."""
    return translation(command.description, current_language()) or command.description


def slash_commands(bot: Client) -> Iterator[app_commands.Command[commands.Cog, ..., None]]:
    """The slash commands of the bot, including those in groups."""
    for command in bot.tree.walk_commands(type=discord.AppCommandType.chat_input):
        if isinstance(command, app_commands.Command):
            yield command


def _menus(bot: Client) -> Iterator[str]:
    names = [menu.name for menu in bot.tree.get_commands(type=discord.AppCommandType.message)]
    if names:
        menus = [translation(name, current_language(), MENU) or name for name in sorted(names)]
        heading = say("In a message's Apps menu")
        yield f"### {heading}\n{' · '.join(menus)}"


def _fit_into_message(sections: Iterable[str]) -> Iterator[str]:
    """The sections that fit into a message; the last one is cut after a line."""
    remaining = MAX_TEXT_LENGTH
    for section in sections:
        if len(section) > remaining:
            if (end := section.rfind("\n", 0, remaining)) > 0:
                yield section[:end]
            return
        remaining -= len(section)
        yield section
