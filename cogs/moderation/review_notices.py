"""Notifies members of the decision about their request."""

import logging

import discord

from cogs.context import Client
from cogs.message_ref import MessageRef
from cogs.messages.delivery import fresh_nonce, open_dm
from cogs.messages.updater import TRANSIENT_ERRORS
from cogs.moderation.review_cards import prompt_excerpt
from engine import Review
from speech import phrase, say, use_language

log = logging.getLogger(__name__)

APPROVED_UNPOSTED = phrase(
    "The moderators of {server} approved your request. I couldn't post it yet; once it's "
    "painted, you'll find it in `/history`."
)


async def notify_approved(bot: Client, message_ref: MessageRef, server: str) -> None:
    """DM the member where their picture will be; those who don't accept DMs see it there."""
    with use_language(message_ref.language):
        if message_ref.message_id is None:
            text = say(APPROVED_UNPOSTED, server=server)
        else:
            text = say(
                "The moderators of {server} approved your request: {link}",
                server=server,
                link=message_ref.link,
            )
    await _send_dm(bot, message_ref, text)


async def notify_declined(bot: Client, review: Review, server: str) -> None:
    """DM the member, or else mention them in the channel, unless the request was private."""
    message_ref = MessageRef.from_json(review.message_ref)
    with use_language(message_ref.language):
        text = say(
            "The moderators of {server} declined your request: {prompt}",
            server=server,
            prompt=prompt_excerpt(review),
        )
        mention_text = say(
            "{member}, the moderators declined your request.",
            member=f"<@{message_ref.person}>",
        )
    if not await _send_dm(bot, message_ref, text) and not message_ref.private:
        await _mention_in_channel(bot, message_ref, mention_text)


async def _send_dm(bot: Client, message_ref: MessageRef, text: str) -> bool:
    """DM the member; whether that worked."""
    try:
        dm_ref = await open_dm(bot, message_ref)
        await bot.get_partial_messageable(dm_ref.channel_id).send(text, nonce=fresh_nonce())
    except TRANSIENT_ERRORS as error:
        log.info("User %d can't be sent a DM: %s", message_ref.person, error)
        return False
    return True


async def _mention_in_channel(bot: Client, message_ref: MessageRef, text: str) -> None:
    """Mention the member in the channel of their request."""
    mentions = discord.AllowedMentions(users=[discord.Object(message_ref.person)])
    try:
        await bot.get_partial_messageable(message_ref.channel_id).send(
            text, allowed_mentions=mentions, nonce=fresh_nonce()
        )
    except TRANSIENT_ERRORS as error:
        log.warning("User %d couldn't be notified: %s", message_ref.person, error)
