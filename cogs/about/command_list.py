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
    TRAINERS = phrase("For those who can train LoRAs")
    MODERATORS = phrase(
        "For moderators (Timeout Members, Manage Server, or a role the owner chose)"
    )
    MANAGERS = phrase("For server managers (Manage Server, or a role the owner chose)")
    OWNER = phrase("For the bot's owner")


AUDIENCES: dict[str, Audience] = {
    "train new": Audience.TRAINERS,
    "train share": Audience.TRAINERS,
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
    "lora add": Audience.OWNER,
    "lora remove": Audience.OWNER,
    "train publish": Audience.OWNER,
    "status": Audience.OWNER,
    "workers": Audience.OWNER,
    "reload": Audience.OWNER,
}
"""Who may use a command, by its name; the others are for everyone."""


def command_list(bot: Client, guild_id: int | None) -> list[ui.LayoutView]:
    """The messages that list all commands, grouped by who may use them."""
    pages: list[list[str]] = [[]]
    for section in (*_sections(bot, guild_id), *_menus(bot)):
        if len("".join([*pages[-1], section])) > MAX_TEXT_LENGTH:
            pages.append([])
        pages[-1].append(section)
    return [_view(page) for page in pages]


def _view(sections: Iterable[str]) -> ui.LayoutView:
    container: ui.Container[ui.LayoutView] = ui.Container()
    for text in sections:
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
