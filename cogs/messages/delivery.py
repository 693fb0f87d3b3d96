"""Shows a card in a message: edits it with the token or as the bot, or sends a new one."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from typing import Any, Protocol

import discord
from discord import ui

from cogs.adapter import UNKNOWN_MESSAGE
from cogs.context import Client
from cogs.message_ref import MessageRef
from cogs.messages.encodings import Upload
from engine import Studio

log = logging.getLogger(__name__)

UNKNOWN_CHANNEL = 10003
UNKNOWN_WEBHOOK = 10015
INVALID_TOKEN = 50027
THREAD_ARCHIVED = 50083
"""A new message opens the thread again, unless it is locked."""
NO_SHARED_SERVER = 50278
DM_FORBIDDEN = (50007, NO_SHARED_SERVER)
"""Error codes for users who don't accept DMs, or share no server with the bot."""


class Showable(Protocol):
    """Something that a message can show, such as a card."""

    def view(self) -> ui.LayoutView:
        """The message's components."""

    async def require_exists(self, studio: Studio) -> None:
        """Raise `UnknownJob` when the job or grid that it shows was deleted."""


def fresh_nonce() -> str:
    """A nonce for one message: however often it is sent, Discord posts it once."""
    return secrets.token_hex(8)


class Unreachable(Exception):
    """The message can't be edited or sent: the channel is gone, or the bot has no access."""


class Rejected(Exception):
    """Discord rejects the card; sending it again won't help."""


class TooLarge(Exception):
    """The attachments are too large for this channel."""


async def deliver(
    bot: Client,
    message_ref: MessageRef,
    card: Showable,
    uploads: Sequence[Upload] | None,
    *,
    nonce: str | None,
) -> MessageRef:
    """Make the message show `card`.

    It is edited with the interaction's token while that is valid, then as the bot; if it is gone,
    a new message is sent. For a message that only the token can edit, that is a DM to the user.

    Args:
        bot: The client.
        message_ref: Where the message is.
        card: What to show.
        uploads: All files that the card shows; `None` for those that the message has.
        nonce: Allows a new message when the old one is gone. Discord accepts each nonce only
            once. `None`: never send a new message.

    Returns:
        Where the message is now.

    Raises:
        Unreachable: When the card can't be shown anywhere.
        Rejected: When Discord rejects the card.
        TooLarge: When the files are too large for the channel.
        UnknownJob: When the message is gone because its job or grid was deleted.
        discord.HTTPException: When Discord fails otherwise; retrying later may help.
    """
    try:
        if message_ref.token_valid:
            try:
                return await _edit_with_token(bot, message_ref, card, uploads)
            except discord.HTTPException as error:
                if not _needs_other_way(error):
                    raise
                message_ref = message_ref.without_token()
        if message_ref.token_only:
            if nonce is None:
                raise Unreachable("its token has expired")
            message_ref = await open_dm(bot, message_ref)
        async with bot.channel_locks.setdefault(message_ref.channel_id, asyncio.Lock()):
            if message_ref.message_id is not None:
                try:
                    return await _edit_as_bot(bot, message_ref, card, uploads)
                except discord.HTTPException as error:
                    if error.code not in (UNKNOWN_MESSAGE, THREAD_ARCHIVED):
                        raise
            if nonce is None:
                raise Unreachable("the message is gone")
            await card.require_exists(bot.studio)
            return await _send_new(bot, message_ref, card, uploads, nonce)
    except discord.HTTPException as error:
        if error.status == 413:
            raise TooLarge from error
        gone = (UNKNOWN_CHANNEL, THREAD_ARCHIVED, *DM_FORBIDDEN)
        if error.status == 403 or error.code in gone:
            raise Unreachable(error.text) from error
        if error.status == 400:
            raise Rejected(error.text) from error
        raise


async def open_dm(bot: Client, message_ref: MessageRef) -> MessageRef:
    """A new message in the user's DM channel.

    Raises:
        discord.HTTPException: When Discord fails, or doesn't know the user.
    """
    channel = await bot.create_dm(discord.Object(message_ref.person))
    return message_ref.in_dm(channel.id)


async def delete_message(bot: Client, message_ref: MessageRef) -> bool:
    """Delete the message if that is still possible; whether it is gone now."""
    if message_ref.message_id is None:
        return True
    if message_ref.token_only and not message_ref.token_valid:
        return False
    try:
        if message_ref.token_only:
            await webhook_of(bot, message_ref).delete_message(message_ref.message_id)
        else:
            channel = bot.get_partial_messageable(message_ref.channel_id)
            await channel.get_partial_message(message_ref.message_id).delete()
    except discord.HTTPException as error:
        return error.code in (UNKNOWN_CHANNEL, UNKNOWN_MESSAGE)
    return True


def webhook_of(bot: Client, message_ref: MessageRef) -> discord.Webhook:
    """The webhook of the interaction's token."""
    webhook = discord.Webhook.partial(message_ref.application_id, message_ref.token, client=bot)
    webhook.type = discord.WebhookType.application
    webhook.proxy = bot.http.proxy
    return webhook


async def _edit_with_token(
    bot: Client, message_ref: MessageRef, card: Showable, uploads: Sequence[Upload] | None
) -> MessageRef:
    webhook = webhook_of(bot, message_ref)
    message_id = message_ref.message_id
    if message_id is None:
        # The original response can be addressed by this name instead of an ID.
        original = await webhook.fetch_message("@original")  # type: ignore[arg-type]
        message_id = original.id
    await webhook.edit_message(
        message_id,
        view=card.view(),
        attachments=_attachments(uploads),
        allowed_mentions=discord.AllowedMentions.none(),
    )
    return message_ref.with_message(message_id)


async def _edit_as_bot(
    bot: Client, message_ref: MessageRef, card: Showable, uploads: Sequence[Upload] | None
) -> MessageRef:
    assert message_ref.message_id is not None
    channel = bot.get_partial_messageable(message_ref.channel_id)
    await channel.get_partial_message(message_ref.message_id).edit(
        view=card.view(),
        attachments=_attachments(uploads),
        allowed_mentions=discord.AllowedMentions.none(),
    )
    return message_ref


async def _send_new(
    bot: Client,
    message_ref: MessageRef,
    card: Showable,
    uploads: Sequence[Upload] | None,
    nonce: str,
) -> MessageRef:
    channel = bot.get_partial_messageable(message_ref.channel_id)
    message = await channel.send(
        view=card.view(),
        files=[upload.file() for upload in uploads or ()],
        allowed_mentions=discord.AllowedMentions.none(),
        nonce=nonce,
    )
    return message_ref.without_token().with_message(message.id)


def _attachments(uploads: Sequence[Upload] | None) -> Any:
    """What an edit says of attachments: left out, the message keeps those that it has."""
    return discord.utils.MISSING if uploads is None else [upload.file() for upload in uploads]


def _needs_other_way(error: discord.HTTPException) -> bool:
    """Whether the message can't be edited with the token (any more)."""
    return error.status == 401 or error.code in (
        UNKNOWN_MESSAGE,
        UNKNOWN_WEBHOOK,
        INVALID_TOKEN,
        THREAD_ARCHIVED,
    )
