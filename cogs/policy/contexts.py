"""Where the bot can be used: in servers that it is in, and by whoever took it along, anywhere."""

from typing import Any, TypeVar

import discord
from discord import app_commands

from cogs.context import Client

T = TypeVar("T")


def anywhere(command: T) -> T:
    """A command, or a group of them, also for direct messages and for those who installed the bot
    for themselves. The others are for servers that the bot is in: that is what the tree says."""
    everywhere = app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    return app_commands.allowed_installs(guilds=True, users=True)(everywhere(command))


def is_user_install(interaction: discord.Interaction[Any]) -> bool:
    """Whether somebody uses the bot where it is not itself: a server that it is not in, or a
    conversation of people. There it has nothing but the interaction's token."""
    if interaction.guild_id is not None:
        return interaction.client.get_guild(interaction.guild_id) is None
    return interaction.context.private_channel


def is_bot_dm(interaction: discord.Interaction[Any]) -> bool:
    """Whether this is the conversation between somebody and the bot."""
    return interaction.guild_id is None and not interaction.context.private_channel


def may_post_publicly(interaction: discord.Interaction[Any]) -> bool:
    """Whether whoever brought the bot to a server that it is not in may have it post there.

    Discord hides its answers from the others where they may not.
    """
    if interaction.guild_id is None:
        return True
    theirs = interaction.permissions
    thread = isinstance(interaction.channel, discord.Thread)
    speaks = theirs.send_messages_in_threads if thread else theirs.send_messages
    return speaks and theirs.attach_files and theirs.use_external_apps


def restrict_contexts(bot: Client) -> None:
    """Take commands back to where they can be: Discord refuses those for people's own use when
    the application is not set up for that, and knows none that are for some servers only."""
    commands = bot.tree.get_commands()
    assert bot.application is not None, "the login has told it"
    if bot.settings.sync_guilds or not bot.settings.personal_use:
        for command in commands:
            command.allowed_contexts = app_commands.AppCommandContext(guild=True)
            command.allowed_installs = app_commands.AppInstallationType(guild=True)
    elif bot.application.user_integration_config is None:
        for command in commands:
            command.allowed_installs = app_commands.AppInstallationType(guild=True)


def scope_of(interaction: discord.Interaction[Any]) -> str:
    """Whose choices count here: those of a server that the bot is in, else the person's."""
    if interaction.guild_id is None or is_user_install(interaction):
        return f"user:{interaction.user.id}"
    return f"guild:{interaction.guild_id}"
