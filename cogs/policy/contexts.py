"""Where the bot can be used: its servers, its DMs, and anywhere by those who installed it."""

from typing import Any, TypeVar

import discord
from discord import app_commands

from cogs.context import Client

T = TypeVar("T")


def anywhere(command: T) -> T:
    """Allow a command, or a group, in DMs and for users who installed the bot to their account.

    The tree's default is only servers that the bot is in.
    """
    allow_contexts = app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    return app_commands.allowed_installs(guilds=True, users=True)(allow_contexts(command))


def is_user_install(interaction: discord.Interaction[Any]) -> bool:
    """Whether the bot is used where it isn't a member: another server, or DMs between users.

    There it can do nothing without the interaction's token.
    """
    if interaction.guild_id is not None:
        return interaction.client.get_guild(interaction.guild_id) is None
    return interaction.context.private_channel


def is_bot_dm(interaction: discord.Interaction[Any]) -> bool:
    """Whether this is the DM channel between the user and the bot."""
    return interaction.guild_id is None and not interaction.context.private_channel


def may_post_publicly(interaction: discord.Interaction[Any]) -> bool:
    """Whether the user may have the bot post publicly in a server that it isn't in.

    If not, Discord shows its answers only to the user.
    """
    if interaction.guild_id is None:
        return True
    granted = interaction.permissions
    in_thread = isinstance(interaction.channel, discord.Thread)
    may_send = granted.send_messages_in_threads if in_thread else granted.send_messages
    return may_send and granted.attach_files and granted.use_external_apps


def restrict_contexts(bot: Client) -> None:
    """Limit commands to the contexts that the settings and the application allow.

    Discord rejects user-installable commands of an application that isn't set up for user
    installs, and commands of a single server can't be used elsewhere.
    """
    commands = bot.tree.get_commands()
    assert bot.application is not None, "it is known after the login"
    if bot.settings.sync_guilds or not bot.settings.personal_use:
        for command in commands:
            command.allowed_contexts = app_commands.AppCommandContext(guild=True)
            command.allowed_installs = app_commands.AppInstallationType(guild=True)
    elif bot.application.user_integration_config is None:
        for command in commands:
            command.allowed_installs = app_commands.AppInstallationType(guild=True)


def show_commands_to_roles(bot: Client) -> None:
    """Offer every command to everyone where the setting `admin_roles` names roles.

    Discord hides commands by permissions, and those roles may lack them.
    """
    if bot.settings.admin_roles:
        for command in bot.tree.get_commands():
            command.default_permissions = None


def scope_of(interaction: discord.Interaction[Any]) -> str:
    """The scope whose settings apply: the server, if the bot is in it, else the user."""
    if interaction.guild_id is None or is_user_install(interaction):
        return f"user:{interaction.user.id}"
    return f"guild:{interaction.guild_id}"


def user_scope(interaction: discord.Interaction[Any]) -> str:
    """The scope of the user's own defaults."""
    return f"user:{interaction.user.id}"
