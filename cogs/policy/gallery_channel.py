"""The channel in which a server's starred pictures are shown once."""

import discord

from cogs.context import Interaction
from cogs.policy.access import Refused
from cogs.policy.contexts import scope_of
from cogs.policy.permissions import title
from speech import AND, listed, say

CHANNEL = "gallery_channel"
"""The preference that holds the gallery's channel, by its ID; empty when there is none."""

NEEDED = ("view_channel", "send_messages", "attach_files")


async def choose_gallery(interaction: Interaction, channel: discord.TextChannel | None) -> str:
    """Show what is starred in `channel` from now on, or nowhere; what was done, for the log.

    Raises:
        Refused: When the bot cannot show pictures there.
    """
    if channel is not None:
        require_gallery_channel(channel)
    value = str(channel.id) if channel else ""
    await interaction.client.studio.preferences.set(scope_of(interaction), CHANNEL, value)
    if channel is None:
        return say("turned off reposting of starred pictures")
    return say("chose {channel} for starred pictures", channel=channel.mention)


def require_gallery_channel(channel: discord.TextChannel) -> None:
    """Raise `Refused` when the bot cannot show pictures in `channel`."""
    allowed = channel.permissions_for(channel.guild.me)
    missing = [title(name) for name in NEEDED if not getattr(allowed, name)]
    if missing:
        raise Refused(
            say(
                "I can't post pictures in {channel}. Someone who manages that channel needs to "
                "give me {permissions}.",
                channel=channel.mention,
                permissions=listed(missing, AND),
            )
        )
