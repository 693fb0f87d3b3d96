"""Telling people what became of a request of theirs that waited for a moderator."""

import logging
from typing import TYPE_CHECKING

import discord

from cogs.moderation.review_cards import in_short
from cogs.messages.delivery import in_direct_messages
from cogs.messages.updater import FAILURES
from cogs.message_ref import Home
from engine import Review
from speech import phrase, say, speaking

if TYPE_CHECKING:
    from cogs.bot import Atelier

log = logging.getLogger(__name__)

ALLOWED_UNSHOWN = phrase(
    "The moderators of {server} have allowed what you asked for. It could not be shown yet: once "
    "it is painted, `/history` has it."
)


async def tell_allowed(bot: "Atelier", home: Home, server: str) -> None:
    """Tell where it is painted, to those who let the bot write to them: the others find it."""
    with speaking(home.language):
        if home.message_id is None:
            news = say(ALLOWED_UNSHOWN, server=server)
        else:
            news = say(
                "The moderators of {server} have allowed what you asked for: {link}",
                server=server,
                link=home.link,
            )
    await _write(bot, home, news)


async def tell_refused(bot: "Atelier", review: Review, server: str) -> None:
    """Tell it to the person directly, else where they asked, unless that was private."""
    home = Home.from_json(review.home)
    with speaking(home.language):
        news = say(
            "The moderators of {server} have not allowed what you asked for: {prompt}",
            server=server,
            prompt=in_short(review),
        )
        call = say(
            "{member}, the moderators have not allowed what you asked for.",
            member=f"<@{home.person}>",
        )
    if not await _write(bot, home, news) and not home.private:
        await _call(bot, home, call)


async def _write(bot: "Atelier", home: Home, news: str) -> bool:
    """Write to the person directly; whether they let the bot do so."""
    try:
        direct = await in_direct_messages(bot, home)
        await bot.get_partial_messageable(direct.channel_id).send(news)
    except FAILURES as error:
        log.info("Person %d cannot be written to: %s", home.person, error)
        return False
    return True


async def _call(bot: "Atelier", home: Home, news: str) -> None:
    """Say something to the person where they asked."""
    person = discord.AllowedMentions(users=[discord.Object(home.person)])
    try:
        await bot.get_partial_messageable(home.channel_id).send(news, allowed_mentions=person)
    except FAILURES as error:
        log.warning("Person %d cannot be told anything: %s", home.person, error)
