"""Applies the settings about moderation and language, like `cogs.settings.changes`."""

from dataclasses import replace
from typing import cast

import discord

from cogs.context import Interaction
from cogs.policy.access import Refused, require_postable
from cogs.policy.gallery_channel import choose_gallery
from cogs.policy.server_settings import Nsfw
from cogs.settings.changes import UNSET, ApplySelection, change_settings, guild_of
from cogs.settings.items import Selection
from speech import LANGUAGES, phrase, say

REVIEW_PERMISSIONS = ("view_channel", "send_messages")
"""The permissions that the bot needs to post requests for review."""

NSFW_AUDIT_LINES: dict[Nsfw | None, str] = {
    None: phrase("set NSFW pictures to follow the bot owner's setting"),
    "spoiler": phrase("set NSFW pictures to be hidden as spoilers"),
    "withhold": phrase("set NSFW pictures to be withheld"),
    "off": phrase("set NSFW pictures to be shown"),
}


async def _set_gallery(interaction: Interaction, selection: Selection) -> str:
    return await choose_gallery(interaction, _text_channel(interaction, selection))


async def _set_review_channel(interaction: Interaction, selection: Selection) -> str:
    channel = _text_channel(interaction, selection)
    channel_id = None
    if channel is not None:
        require_postable(channel, REVIEW_PERMISSIONS)
        channel_id = channel.id
    await change_settings(
        interaction, lambda settings: replace(settings, review_channel=channel_id)
    )
    if channel is None:
        return say("set reviews to stay in the prompt's channel")
    return say("set reviews to go to {channel}", channel=channel.mention)


async def _set_language(interaction: Interaction, selection: Selection) -> str:
    [value] = selection.values
    language = value if value in LANGUAGES else None
    await change_settings(interaction, lambda settings: replace(settings, language=language))
    if language is None:
        return say("set messages to use the requesting member's language")
    return say("set messages to use {language}", language=LANGUAGES[language])


async def _set_nsfw(interaction: Interaction, selection: Selection) -> str:
    [value] = selection.values
    chosen: Nsfw | None = None if value == UNSET else cast(Nsfw, value)
    await change_settings(interaction, lambda settings: replace(settings, nsfw=chosen))
    return say(NSFW_AUDIT_LINES[chosen])


MODERATION_CHANGES: dict[str, ApplySelection] = {
    "gallery": _set_gallery,
    "reviews": _set_review_channel,
    "language": _set_language,
    "nsfw": _set_nsfw,
}
"""Like `PAINTING_CHANGES`, for the other page."""


def _text_channel(interaction: Interaction, selection: Selection) -> discord.TextChannel | None:
    """The selected channel, if there is one."""
    if not selection.values:
        return None
    channel = guild_of(interaction).get_channel(int(selection.values[0]))
    if not isinstance(channel, discord.TextChannel):
        raise Refused(say("I can't see that channel. Choose another, or give me access."))
    return channel
