"""The channel to which a server's starred pictures are reposted."""

import discord

from cogs.context import Interaction
from cogs.markdown import Markdown
from cogs.policy.access import Refused
from cogs.policy.contexts import scope_of
from cogs.policy.permissions import missing_permissions
from speech import AND, join_list, say

GALLERY_CHANNEL = "gallery_channel"
"""The preference that holds the ID of the gallery's channel; empty for none."""

GALLERY_PERMISSIONS = ("view_channel", "send_messages", "attach_files")


async def choose_gallery(interaction: Interaction, channel: discord.TextChannel | None) -> str:
    """Repost starred pictures to `channel` from now on, or nowhere.

    Returns:
        The sentence for the audit log.

    Raises:
        Refused: When the bot can't post pictures there.
    """
    if channel is not None:
        require_gallery_channel(channel)
    value = str(channel.id) if channel else ""
    await interaction.client.studio.preferences.set(scope_of(interaction), GALLERY_CHANNEL, value)
    if channel is None:
        return say("turned off reposting of starred pictures")
    return say("chose {channel} for starred pictures", channel=channel.mention)


def require_gallery_channel(channel: discord.TextChannel) -> None:
    """Raise `Refused` when the bot can't post pictures in `channel`."""
    granted = channel.permissions_for(channel.guild.me)
    if missing := missing_permissions(granted, GALLERY_PERMISSIONS):
        raise Refused(
            say(
                "I can't post pictures in {channel}. Someone who manages that channel needs to "
                "give me {permissions}.",
                channel=Markdown(channel.mention),
                permissions=join_list(missing, AND),
            )
        )
