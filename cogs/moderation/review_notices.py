"""Telling people what became of a request of theirs that waited for a moderator."""

import logging

import discord

from cogs.context import Client
from cogs.message_ref import MessageRef
from cogs.messages.delivery import open_dm
from cogs.messages.updater import TRANSIENT_ERRORS
from cogs.moderation.review_cards import in_short
from engine import Review
from speech import phrase, say, speaking

log = logging.getLogger(__name__)

ALLOWED_UNSHOWN = phrase(
    "The moderators of {server} approved your request. I couldn't post it yet; once it's "
    "painted, you'll find it in `/history`."
)


async def tell_allowed(bot: Client, message_ref: MessageRef, server: str) -> None:
    """Tell where it is painted, to those who let the bot write to them: the others find it."""
    with speaking(message_ref.language):
        if message_ref.message_id is None:
            news = say(ALLOWED_UNSHOWN, server=server)
        else:
            news = say(
                "The moderators of {server} approved your request: {link}",
                server=server,
                link=message_ref.link,
            )
    await _write(bot, message_ref, news)


async def tell_refused(bot: Client, review: Review, server: str) -> None:
    """Tell it to the person directly, else where they asked, unless that was private."""
    message_ref = MessageRef.from_json(review.message_ref)
    with speaking(message_ref.language):
        news = say(
            "The moderators of {server} declined your request: {prompt}",
            server=server,
            prompt=in_short(review),
        )
        call = say(
            "{member}, the moderators declined your request.",
            member=f"<@{message_ref.person}>",
        )
    if not await _write(bot, message_ref, news) and not message_ref.private:
        await _call(bot, message_ref, call)


async def _write(bot: Client, message_ref: MessageRef, news: str) -> bool:
    """Write to the person directly; whether they let the bot do so."""
    try:
        direct = await open_dm(bot, message_ref)
        await bot.get_partial_messageable(direct.channel_id).send(news)
    except TRANSIENT_ERRORS as error:
        log.info("Person %d cannot be written to: %s", message_ref.person, error)
        return False
    return True


async def _call(bot: Client, message_ref: MessageRef, news: str) -> None:
    """Say something to the person where they asked."""
    person = discord.AllowedMentions(users=[discord.Object(message_ref.person)])
    try:
        await bot.get_partial_messageable(message_ref.channel_id).send(
            news, allowed_mentions=person
        )
    except TRANSIENT_ERRORS as error:
        log.warning("Person %d cannot be told anything: %s", message_ref.person, error)
