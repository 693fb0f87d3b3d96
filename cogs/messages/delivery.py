"""Delivery: bringing a card to a job's home by whatever way still leads there."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

import discord
from discord import ui

from cogs.context import Client
from cogs.message_ref import MessageRef
from cogs.messages.encodings import Upload
from engine import Studio

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
    bot: Client,
    message_ref: MessageRef,
    card: Showable,
    uploads: Sequence[Upload],
    *,
    nonce: str | None,
) -> MessageRef:
    """Make the home message show `card`.

    By the interaction's token while it lives, then as the bot, then as a new message. Where only
    the token leads, the new message goes to the person directly.

    Args:
        bot: The client.
        message_ref: Where the message is.
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
        if message_ref.token_lives:
            try:
                return await _edit_by_token(bot, message_ref, card, uploads)
            except discord.HTTPException as error:
                if not _token_is_dead(error):
                    raise
                message_ref = message_ref.without_token()
        if message_ref.leased:
            if nonce is None:
                raise Unreachable("only its token led there")
            message_ref = await in_direct_messages(bot, message_ref)
        async with bot.channel_locks.setdefault(message_ref.channel_id, asyncio.Lock()):
            if message_ref.message_id is not None:
                try:
                    return await _edit_as_bot(bot, message_ref, card, uploads)
                except discord.NotFound as error:
                    if error.code != UNKNOWN_MESSAGE:
                        raise
            if nonce is None:
                raise Unreachable("the message is gone")
            await card.require(bot.studio)
            return await _send_anew(bot, message_ref, card, uploads, nonce)
    except discord.HTTPException as error:
        if error.status == 413:
            raise TooLarge from error
        if error.status == 403 or error.code in (UNKNOWN_CHANNEL, *CANNOT_WRITE):
            raise Unreachable(error.text) from error
        if error.status == 400:
            raise Rejected(error.text) from error
        raise


async def in_direct_messages(bot: Client, message_ref: MessageRef) -> MessageRef:
    """A new place for the answer: the conversation with the person.

    Raises:
        discord.HTTPException: When Discord fails, or knows no such person.
    """
    channel = await bot.create_dm(discord.Object(message_ref.person))
    return message_ref.direct(channel.id)


async def withdraw(bot: Client, message_ref: MessageRef) -> bool:
    """Delete the message, where that is still possible; whether there is none any more."""
    if message_ref.message_id is None:
        return True
    if message_ref.leased and not message_ref.token_lives:
        return False
    try:
        if message_ref.leased:
            await _webhook(bot, message_ref).delete_message(message_ref.message_id)
        else:
            channel = bot.get_partial_messageable(message_ref.channel_id)
            await channel.get_partial_message(message_ref.message_id).delete()
    except discord.HTTPException as error:
        return error.code in (UNKNOWN_CHANNEL, UNKNOWN_MESSAGE)
    return True


def _webhook(bot: Client, message_ref: MessageRef) -> discord.Webhook:
    webhook = discord.Webhook.partial(message_ref.application_id, message_ref.token, client=bot)
    webhook.proxy = bot.http.proxy
    return webhook


async def _edit_by_token(
    bot: Client, message_ref: MessageRef, card: Showable, uploads: Sequence[Upload]
) -> MessageRef:
    webhook = _webhook(bot, message_ref)
    message_id = message_ref.message_id
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
    return message_ref.at(message_id)


async def _edit_as_bot(
    bot: Client, message_ref: MessageRef, card: Showable, uploads: Sequence[Upload]
) -> MessageRef:
    assert message_ref.message_id is not None
    channel = bot.get_partial_messageable(message_ref.channel_id)
    await channel.get_partial_message(message_ref.message_id).edit(
        view=card.view(),
        attachments=[upload.file() for upload in uploads],
        allowed_mentions=discord.AllowedMentions.none(),
    )
    return message_ref


async def _send_anew(
    bot: Client, message_ref: MessageRef, card: Showable, uploads: Sequence[Upload], nonce: str
) -> MessageRef:
    channel = bot.get_partial_messageable(message_ref.channel_id)
    message = await channel.send(
        view=card.view(),
        files=[upload.file() for upload in uploads],
        allowed_mentions=discord.AllowedMentions.none(),
        nonce=nonce,
    )
    return message_ref.without_token().at(message.id)


def _token_is_dead(error: discord.HTTPException) -> bool:
    """Whether the message cannot be reached by the token (any more)."""
    return error.status == 401 or error.code in (UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, INVALID_TOKEN)
