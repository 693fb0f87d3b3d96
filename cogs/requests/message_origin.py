"""A message to the bot, as the checks and limits of interactions see it."""

from functools import cached_property
from typing import Any, cast

import discord
from discord import app_commands

from cogs.context import Client, Interaction
from cogs.message_ref import MessageRef


class MessageOrigin:
    """What policies, limits and uploads read of an interaction, of a message instead.

    It has no response: a message is answered with a reply.
    """

    def __init__(self, client: Client, message: discord.Message) -> None:
        self.client = client
        self.message = message
        self.id = message.id
        self.created_at = message.created_at
        self.user = message.author
        self.guild = message.guild
        self.guild_id = message.guild.id if message.guild else None
        self.channel = message.channel
        self.channel_id = message.channel.id
        self.context = app_commands.AppCommandContext(
            guild=message.guild is not None, dm_channel=message.guild is None, private_channel=False
        )
        self.extras: dict[str, Any] = {}

    @property
    def interaction(self) -> Interaction:
        """This, for functions that ask for an interaction and need no more of it."""
        return cast(Interaction, self)

    @cached_property
    def permissions(self) -> discord.Permissions:
        """The author's permissions in the channel."""
        return self._permissions_of(self.user)

    @cached_property
    def app_permissions(self) -> discord.Permissions:
        """The bot's permissions in the channel."""
        return self._permissions_of(self.guild.me if self.guild else None)

    def _permissions_of(self, who: discord.abc.User | None) -> discord.Permissions:
        if isinstance(self.channel, discord.abc.GuildChannel | discord.Thread):
            assert isinstance(who, discord.Member), "it is a message in a server"
            return self.channel.permissions_for(who)
        return discord.Permissions._dm_permissions()

    def message_ref(self, language: str) -> MessageRef:
        """Where the reply will be; only the bot can edit it."""
        limit = self.guild.filesize_limit if self.guild else None
        return MessageRef(
            guild_id=self.guild_id,
            channel_id=self.channel_id,
            message_id=None,
            application_id=self.client.application_id or 0,
            token="",
            expires_at=0.0,
            upload_limit=limit or discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES,
            language=language,
            person=self.user.id,
            private=self.guild is None,
        )
