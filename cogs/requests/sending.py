"""Sending: by which way the first card of a job comes to whoever asked."""

from collections.abc import Awaitable, Callable
from functools import partial

import discord

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.messages.delivery import DM_FORBIDDEN, Showable, open_dm
from cogs.messages.replies import reply
from cogs.policy.privacy import ReplyMode
from speech import phrase, say

CLOSED = phrase(
    "I can't DM you, so the picture is only shown here. Allow direct messages in the privacy "
    "settings of a server we share."
)

Send = Callable[[MessageRef, Showable], Awaitable[MessageRef]]
"""Brings a card to a home, and tells where it is now."""


def sender(interaction: Interaction, reply_mode: ReplyMode, *, first: bool = True) -> Send:
    """What brings a card there: as the answer, if it is the `first`, beside it, or directly."""
    show = partial(_answer if first else _follow_up, interaction, reply_mode)
    return partial(_write, interaction, show, first=first) if reply_mode.dm else show


async def _answer(
    interaction: Interaction,
    reply_mode: ReplyMode,
    message_ref: MessageRef,
    card: Showable,
) -> MessageRef:
    """Answer with the card, or put it where “… is thinking” stands."""
    nobody = discord.AllowedMentions.none()
    if interaction.response.is_done():
        view = card.view()
        original = await interaction.edit_original_response(view=view, allowed_mentions=nobody)
        return message_ref.with_message(original.id)
    answer = await interaction.response.send_message(
        view=card.view(), ephemeral=reply_mode.ephemeral, allowed_mentions=nobody
    )
    return message_ref.with_message(answer.message_id)


async def _follow_up(
    interaction: Interaction,
    reply_mode: ReplyMode,
    message_ref: MessageRef,
    card: Showable,
) -> MessageRef:
    """Send the card as a message beside the answer."""
    sent = await interaction.followup.send(
        view=card.view(),
        ephemeral=reply_mode.ephemeral,
        allowed_mentions=discord.AllowedMentions.none(),
        wait=True,
    )
    return message_ref.with_message(sent.id)


async def _write(
    interaction: Interaction,
    show: Send,
    message_ref: MessageRef,
    card: Showable,
    *,
    first: bool,
) -> MessageRef:
    """Write the card to the person directly; to who does not want that, `show` it."""
    if not interaction.response.is_done():
        await interaction.response.defer(thinking=True, ephemeral=True)
    try:
        there = await open_dm(interaction.client, message_ref)
        channel = interaction.client.get_partial_messageable(there.channel_id)
        sent = await channel.send(view=card.view(), allowed_mentions=discord.AllowedMentions.none())
    except discord.HTTPException as error:
        if error.code not in DM_FORBIDDEN:
            raise
        message_ref = await show(message_ref, card)
        if first:
            await reply(interaction, say(CLOSED))
        return message_ref
    there = there.with_message(sent.id)
    if first:
        where = say("You'll get it in your DMs: {link}", link=there.link)
        await interaction.edit_original_response(content=where)
    return there
