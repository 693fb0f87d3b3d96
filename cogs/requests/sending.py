"""Sending a job's first card: as the answer, as a follow-up, or as a DM."""

from collections.abc import Awaitable, Callable
from functools import partial

import discord

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.messages.delivery import DM_FORBIDDEN, Showable, fresh_nonce, open_dm
from cogs.messages.replies import reply
from cogs.policy.privacy import ReplyMode
from speech import phrase, say

DMS_CLOSED = phrase(
    "I can't DM you, so the picture is only shown here. Allow direct messages in the privacy "
    "settings of a server we share."
)

SendCard = Callable[[MessageRef, Showable], Awaitable[MessageRef]]
"""Sends a card to the place of a message reference, and returns where it is now."""


def card_sender(interaction: Interaction, reply_mode: ReplyMode, *, first: bool = True) -> SendCard:
    """Sends a card as the interaction's answer if it is the `first`, else as a follow-up.

    If the mode says so, it sends it as a DM instead.
    """
    send = partial(_answer if first else _follow_up, interaction, reply_mode)
    return partial(_send_dm, interaction, send, first=first) if reply_mode.dm else send


async def _answer(
    interaction: Interaction,
    reply_mode: ReplyMode,
    message_ref: MessageRef,
    card: Showable,
) -> MessageRef:
    """Answer with the card, in place of “… is thinking” if the answer was deferred."""
    no_mentions = discord.AllowedMentions.none()
    if interaction.response.is_done():
        view = card.view()
        original = await interaction.edit_original_response(view=view, allowed_mentions=no_mentions)
        return message_ref.with_message(original.id)
    answer = await interaction.response.send_message(
        view=card.view(), ephemeral=reply_mode.ephemeral, allowed_mentions=no_mentions
    )
    return message_ref.with_message(answer.message_id)


async def _follow_up(
    interaction: Interaction,
    reply_mode: ReplyMode,
    message_ref: MessageRef,
    card: Showable,
) -> MessageRef:
    """Send the card as a follow-up."""
    sent = await interaction.followup.send(
        view=card.view(),
        ephemeral=reply_mode.ephemeral,
        allowed_mentions=discord.AllowedMentions.none(),
        wait=True,
    )
    return message_ref.with_message(sent.id)


async def _send_dm(
    interaction: Interaction,
    fallback: SendCard,
    message_ref: MessageRef,
    card: Showable,
    *,
    first: bool,
) -> MessageRef:
    """Send the card to the user's DMs; by `fallback` if they don't accept DMs."""
    if not interaction.response.is_done():
        await interaction.response.defer(thinking=True, ephemeral=True)
    try:
        dm = await open_dm(interaction.client, message_ref)
        channel = interaction.client.get_partial_messageable(dm.channel_id)
        sent = await channel.send(
            view=card.view(),
            allowed_mentions=discord.AllowedMentions.none(),
            nonce=fresh_nonce(),
        )
    except discord.HTTPException as error:
        if error.code not in DM_FORBIDDEN:
            raise
        message_ref = await fallback(message_ref, card)
        if first:
            await reply(interaction, say(DMS_CLOSED))
        return message_ref
    dm = dm.with_message(sent.id)
    if first:
        where = say("You'll get it in your DMs: {link}", link=dm.link)
        await interaction.edit_original_response(content=where)
    return dm
