"""Mentions people when a picture is ready: edits of its message notify nobody."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import aiohttp
import discord

from cogs.context import Client
from cogs.message_ref import MessageRef
from cogs.messages.delivery import webhook_of
from speech import say

log = logging.getLogger(__name__)

ALWAYS, NEVER = "always", "never"
"""What people can choose in their defaults instead of a mention after `LONG_WAIT`."""

LONG_WAIT = 60.0
"""Seconds of waiting after which people are mentioned, unless they chose otherwise."""

NONCE_LIFETIME = 120.0
"""Seconds in which Discord doesn't post a message of the same nonce again."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Whom to tell about an outcome that was just shown, and what.

    Attributes:
        owner: The ID of the user who asked.
        asked_at: Epoch seconds at which they asked.
        sentence: What is ready; `{owner}` stands for the mention.
        nonce: Makes it unique for Discord, in at most 25 characters.
    """

    owner: int
    asked_at: float
    sentence: str
    nonce: str


async def send_ping(
    bot: Client,
    ping: Ping,
    message_ref: MessageRef,
    store: Callable[[MessageRef], Awaitable[None]],
) -> None:
    """Mention the owner beside their message, at most once, if they want it and it is possible.

    What only they can see is followed by something that only they can see.

    Args:
        bot: The client.
        ping: What to tell whom.
        message_ref: The message that shows the outcome.
        store: Stores that it is about to be sent: after a restart it isn't sent twice.
    """
    sent_at = message_ref.pinged_at
    if sent_at is not None and (message_ref.token_only or time.time() - sent_at > NONCE_LIFETIME):
        return
    if not await _is_wanted(bot, ping):
        return
    await store(replace(message_ref, pinged_at=sent_at or time.time()))
    try:
        if not message_ref.token_only:
            await _reply(bot, ping, message_ref)
        elif message_ref.token_valid:
            await _follow_up(bot, ping, message_ref)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.info("%s wasn't sent: %s", ping.nonce, error)


async def _is_wanted(bot: Client, ping: Ping) -> bool:
    chosen = (await bot.studio.styles.user_defaults(f"user:{ping.owner}")).mention
    return chosen == ALWAYS or (chosen != NEVER and time.time() - ping.asked_at >= LONG_WAIT)


async def _reply(bot: Client, ping: Ping, message_ref: MessageRef) -> None:
    """Reply to the message; where the bot can't read old messages, with a link to it."""
    assert message_ref.message_id is not None, "it has been edited"
    text: str = say(ping.sentence, owner=f"<@{ping.owner}>")
    reference = None
    if _reads_history(bot, message_ref):
        reference = discord.MessageReference(
            message_id=message_ref.message_id, channel_id=message_ref.channel_id
        )
    else:
        text += f" {message_ref.link}"
    async with bot.channel_locks.setdefault(message_ref.channel_id, asyncio.Lock()):
        await bot.get_partial_messageable(message_ref.channel_id).send(
            text,
            reference=reference,  # type: ignore[arg-type]  # the overloads know no None
            nonce=ping.nonce,
            allowed_mentions=_only(ping.owner),
        )


def _reads_history(bot: Client, message_ref: MessageRef) -> bool:
    """Whether the bot may reply to messages there, which takes Read Message History."""
    if message_ref.guild_id is None:
        return True
    guild = bot.get_guild(message_ref.guild_id)
    channel = guild.get_channel_or_thread(message_ref.channel_id) if guild else None
    return channel is not None and channel.permissions_for(channel.guild.me).read_message_history


async def _follow_up(bot: Client, ping: Ping, message_ref: MessageRef) -> None:
    """Follow the message by another with its token; Discord allows user installs only a few."""
    await webhook_of(bot, message_ref).send(
        say(ping.sentence, owner=f"<@{ping.owner}>"),
        ephemeral=message_ref.private,
        allowed_mentions=_only(ping.owner),
    )


def _only(user_id: int) -> discord.AllowedMentions:
    return discord.AllowedMentions(
        everyone=False, roles=False, users=[discord.Object(user_id)], replied_user=False
    )
