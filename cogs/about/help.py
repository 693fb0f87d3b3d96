"""/help: how to begin, with an example to copy; the list of all commands is a click away."""

import re
from typing import Any, Self

from discord import app_commands, ui
from discord.ext import commands

from cogs.about.command_list import command_list
from cogs.about.welcome import EXAMPLES
from cogs.context import Client, Interaction
from cogs.messages.dynamic_items import Persistent
from cogs.messages.text import command_mention
from cogs.policy.contexts import anywhere
from speech import current_language, phrase, say

GROUPS: dict[str, tuple[str, ...]] = {
    phrase("Paint"): ("imagine", "grid", "inspire"),
    phrase("Edit pictures, have them described, train on them"): ("edit", "describe", "train new"),
    phrase("Find pictures again"): ("history", "favourites", "show"),
    phrase("See or cancel what's waiting"): ("queue", "cancel"),
    phrase("Models, styles, your own defaults"): ("model list", "style list", "me defaults"),
}
"""The commands that members use most, by what they do."""

BUTTONS_NOTE = phrase("-# The buttons under a picture build on it; they work on old messages too.")


class Help(commands.Cog):
    """The command that explains the bot."""

    @app_commands.command()
    @anywhere
    async def help(self, interaction: Interaction) -> None:
        """Show what I can do and who can use what"""
        view = help_page(interaction.client, interaction.guild_id)
        await interaction.response.send_message(view=view, ephemeral=True)


class CommandsButton(Persistent, ui.DynamicItem[ui.Button[Any]], template="atelier-help"):
    """List all commands and who can use them."""

    def __init__(self) -> None:
        super().__init__(ui.Button(label=say("All commands"), emoji="📖", custom_id="atelier-help"))

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls()

    async def act(self, interaction: Interaction) -> None:
        """List all commands and who can use them."""
        first, *others = command_list(interaction.client, interaction.guild_id)
        await interaction.response.send_message(view=first, ephemeral=True)
        for view in others:
            await interaction.followup.send(view=view, ephemeral=True)


def help_page(bot: Client, guild_id: int | None) -> ui.LayoutView:
    """The page that explains how to begin."""
    lines = [
        say("## What I can do"),
        say(
            "I paint what you describe. Click {imagine} and copy this as your prompt:",
            imagine=command_mention(bot, "imagine", guild_id),
        ),
        f"```\n{EXAMPLES[0]} --ar 3:2\n```",
        *(
            f"**{say(title)}** {' '.join(command_mention(bot, name, guild_id) for name in names)}"
            for title, names in GROUPS.items()
        ),
        say(BUTTONS_NOTE),
    ]
    if current_language() != "en":
        lines.append(say("-# Most models only read English prompts."))
    view = ui.LayoutView(timeout=None)
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    row.add_item(CommandsButton())
    view.add_item(ui.Container(ui.TextDisplay("\n".join(lines)), row))
    return view
