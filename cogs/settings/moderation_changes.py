"""What the selects about order and language change; each change is a line for the audit log."""

from dataclasses import replace
from typing import cast

import discord

from cogs.context import Interaction
from cogs.policy.access import Refused
from cogs.policy.gallery_channel import choose_gallery
from cogs.policy.permissions import missing_permissions
from cogs.policy.server_settings import Nsfw
from cogs.settings.changes import UNCHANGED, Change, change_settings, guild_of
from cogs.settings.items import Selection
from speech import AND, LANGUAGES, listed, phrase, say

REVIEW_PERMISSIONS = ("view_channel", "send_messages")
"""The permissions that the bot needs to post requests for review."""

NSFW_AUDIT_LINES: dict[Nsfw | None, str] = {
    None: phrase("set NSFW pictures to follow the bot owner's setting"),
    "spoiler": phrase("set NSFW pictures to be hidden as spoilers"),
    "withhold": phrase("set NSFW pictures to be withheld"),
    "off": phrase("set NSFW pictures to be shown"),
}


async def _gallery(interaction: Interaction, picked: Selection) -> str:
    return await choose_gallery(interaction, _text_channel(interaction, picked))


async def _reviews(interaction: Interaction, picked: Selection) -> str:
    channel = _text_channel(interaction, picked)
    number = None
    if channel is not None:
        _require_postable(channel)
        number = channel.id
    await change_settings(interaction, lambda settings: replace(settings, review_channel=number))
    if channel is None:
        return say("set reviews to stay in the prompt's channel")
    return say("set reviews to go to {channel}", channel=channel.mention)


async def _language(interaction: Interaction, picked: Selection) -> str:
    [value] = picked.values
    language = value if value in LANGUAGES else None
    await change_settings(interaction, lambda settings: replace(settings, language=language))
    if language is None:
        return say("set messages to use the requesting member's language")
    return say("set messages to use {language}", language=LANGUAGES[language])


async def _nsfw(interaction: Interaction, picked: Selection) -> str:
    [value] = picked.values
    chosen: Nsfw | None = None if value == UNCHANGED else cast(Nsfw, value)
    await change_settings(interaction, lambda settings: replace(settings, nsfw=chosen))
    return say(NSFW_AUDIT_LINES[chosen])


MODERATION_CHANGES: dict[str, Change] = {
    "gallery": _gallery,
    "reviews": _reviews,
    "language": _language,
    "nsfw": _nsfw,
}
"""Like `CHANGES`, of the other page."""


def _text_channel(interaction: Interaction, picked: Selection) -> discord.TextChannel | None:
    """The channel that was picked, if one was."""
    if not picked.values:
        return None
    channel = guild_of(interaction).get_channel(int(picked.values[0]))
    if not isinstance(channel, discord.TextChannel):
        raise Refused(say("I can't see that channel. Choose another, or give me access."))
    return channel


def _require_postable(channel: discord.TextChannel) -> None:
    """Raise `Refused` when the bot can't post in `channel`."""
    granted = channel.permissions_for(channel.guild.me)
    if missing := missing_permissions(granted, REVIEW_PERMISSIONS):
        raise Refused(
            say(
                "I can't post in {channel}. Someone who manages that channel needs to give me "
                "{permissions}.",
                channel=channel.mention,
                permissions=listed(missing, AND),
            )
        )
