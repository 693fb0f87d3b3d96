"""Delivery: bringing a card to a job's home by whatever way still leads there."""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import discord
from discord import ui

from cogs.message_ref import Home
from cogs.messages.encodings import Upload
from engine import Studio

if TYPE_CHECKING:
    from cogs.bot import Atelier

log = logging.getLogger(__name__)

UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008
UNKNOWN_WEBHOOK = 10015
INVALID_TOKEN = 50027
NO_SHARED_SERVER = 50278
CANNOT_WRITE = (50007, NO_SHARED_SERVER)
"""Codes for people who let no bot write to them, or share no server with this one."""


class Showable(Protocol):
    """What a message can show."""

    def view(self) -> ui.LayoutView:
        """It as a message's components."""

    async def require(self, studio: Studio) -> None:
        """Raise `UnknownJob` when what it is about was deleted."""


class Unreachable(Exception):
    """No way leads to the home any more: the channel is gone, or closed to the bot."""


class Rejected(Exception):
    """Discord does not take the card, and would not the next time."""


class TooLarge(Exception):
    """Discord does not take attachments of that size there."""


async def deliver(
    bot: "Atelier", home: Home, card: Showable, uploads: Sequence[Upload], *, nonce: str | None
) -> Home:
    """Make the home message show `card`.

    By the interaction's token while it lives, then as the bot, then as a new message. Where only
    the token leads, the new message goes to the person directly.

    Args:
        bot: The client.
        home: Where the message is.
        card: What it is to show.
        uploads: All files that the card shows.
        nonce: Allows a new message when the old one is gone, and names it, so that Discord
            takes it only once. `None`: a message that is gone stays gone.

    Returns:
        Where the message is now.

    Raises:
        Unreachable: When the card can be shown nowhere.
        Rejected: When Discord finds fault with the card.
        TooLarge: When the files are too large for this place.
        UnknownJob: When the message is gone because what it is about was deleted: nothing brings
            it back.
        discord.HTTPException: When Discord fails otherwise; trying again later may help.
    """
    try:
        if home.token_lives:
            try:
                return await _edit_by_token(bot, home, card, uploads)
            except discord.HTTPException as error:
                if not _token_is_dead(error):
                    raise
                home = home.without_token()
        if home.leased:
            if nonce is None:
                raise Unreachable("only its token led there")
            home = await in_direct_messages(bot, home)
        async with bot.turns.setdefault(home.channel_id, asyncio.Lock()):
            if home.message_id is not None:
                try:
                    return await _edit_as_bot(bot, home, card, uploads)
                except discord.NotFound as error:
                    if error.code != UNKNOWN_MESSAGE:
                        raise
            if nonce is None:
                raise Unreachable("the message is gone")
            await card.require(bot.studio)
            return await _send_anew(bot, home, card, uploads, nonce)
    except discord.HTTPException as error:
        if error.status == 413:
            raise TooLarge from error
        if error.status == 403 or error.code in (UNKNOWN_CHANNEL, *CANNOT_WRITE):
            raise Unreachable(error.text) from error
        if error.status == 400:
            raise Rejected(error.text) from error
        raise


async def in_direct_messages(bot: "Atelier", home: Home) -> Home:
    """A new place for the answer: the conversation with the person.

    Raises:
        discord.HTTPException: When Discord fails, or knows no such person.
    """
    channel = await bot.create_dm(discord.Object(home.person))
    return home.direct(channel.id)


async def withdraw(bot: "Atelier", home: Home) -> bool:
    """Delete the message, where that is still possible; whether there is none any more."""
    if home.message_id is None:
        return True
    if home.leased and not home.token_lives:
        return False
    try:
        if home.leased:
            await _webhook(bot, home).delete_message(home.message_id)
        else:
            channel = bot.get_partial_messageable(home.channel_id)
            await channel.get_partial_message(home.message_id).delete()
    except discord.HTTPException as error:
        return error.code in (UNKNOWN_CHANNEL, UNKNOWN_MESSAGE)
    return True


def _webhook(bot: "Atelier", home: Home) -> discord.Webhook:
    webhook = discord.Webhook.partial(home.application_id, home.token, client=bot)
    webhook.proxy = bot.http.proxy
    return webhook


async def _edit_by_token(
    bot: "Atelier", home: Home, card: Showable, uploads: Sequence[Upload]
) -> Home:
    webhook = _webhook(bot, home)
    message_id = home.message_id
    if message_id is None:
        # Only the original answer to the interaction goes by a name instead of an id.
        original = await webhook.fetch_message("@original")  # type: ignore[arg-type]
        message_id = original.id
    await webhook.edit_message(
        message_id,
        view=card.view(),
        attachments=[upload.file() for upload in uploads],
        allowed_mentions=discord.AllowedMentions.none(),
    )
    return home.at(message_id)


async def _edit_as_bot(
    bot: "Atelier", home: Home, card: Showable, uploads: Sequence[Upload]
) -> Home:
    assert home.message_id is not None
    channel = bot.get_partial_messageable(home.channel_id)
    await channel.get_partial_message(home.message_id).edit(
        view=card.view(),
        attachments=[upload.file() for upload in uploads],
        allowed_mentions=discord.AllowedMentions.none(),
    )
    return home


async def _send_anew(
    bot: "Atelier", home: Home, card: Showable, uploads: Sequence[Upload], nonce: str
) -> Home:
    channel = bot.get_partial_messageable(home.channel_id)
    message = await channel.send(
        view=card.view(),
        files=[upload.file() for upload in uploads],
        allowed_mentions=discord.AllowedMentions.none(),
        nonce=nonce,
    )
    return home.without_token().at(message.id)


def _token_is_dead(error: discord.HTTPException) -> bool:
    """Whether the message cannot be reached by the token (any more)."""
    return error.status == 401 or error.code in (UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, INVALID_TOKEN)
