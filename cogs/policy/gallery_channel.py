"""The channel to which a server's starred pictures are reposted."""

import discord

from cogs.context import Interaction
from cogs.policy.access import require_postable
from cogs.policy.contexts import scope_of
from speech import say

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
        require_postable(channel, GALLERY_PERMISSIONS)
    value = str(channel.id) if channel else ""
    await interaction.client.studio.preferences.set(scope_of(interaction), GALLERY_CHANNEL, value)
    if channel is None:
        return say("turned off reposting of starred pictures")
    return say("chose {channel} for starred pictures", channel=channel.mention)
