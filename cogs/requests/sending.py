"""Sending: by which way the first card of a job comes to whoever asked."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import discord

from cogs.policy.privacy import Manner
from cogs.messages.replies import reply
from cogs.messages.delivery import CANNOT_WRITE, Showable, in_direct_messages
from cogs.message_ref import Home
from speech import phrase, say

if TYPE_CHECKING:
    from cogs.bot import Atelier

CLOSED = phrase(
    "I may not write to you, so the picture is shown here alone. Allow direct messages in the "
    "privacy settings of a server that we share."
)

Send = Callable[[Home, Showable], Awaitable[Home]]
"""Brings a card to a home, and tells where it is now."""


def sender(
    interaction: "discord.Interaction[Atelier]", manner: Manner, *, first: bool = True
) -> Send:
    """What brings a card there: as the answer, if it is the `first`, beside it, or directly."""
    show = partial(_answer if first else _follow_up, interaction, manner)
    return partial(_write, interaction, show, first=first) if manner.direct else show


async def _answer(
    interaction: "discord.Interaction[Atelier]", manner: Manner, home: Home, card: Showable
) -> Home:
    """Answer with the card, or put it where “… is thinking” stands."""
    nobody = discord.AllowedMentions.none()
    if interaction.response.is_done():
        view = card.view()
        original = await interaction.edit_original_response(view=view, allowed_mentions=nobody)
        return home.at(original.id)
    answer = await interaction.response.send_message(
        view=card.view(), ephemeral=manner.ephemeral, allowed_mentions=nobody
    )
    return home.at(answer.message_id)


async def _follow_up(
    interaction: "discord.Interaction[Atelier]", manner: Manner, home: Home, card: Showable
) -> Home:
    """Send the card as a message beside the answer."""
    sent = await interaction.followup.send(
        view=card.view(),
        ephemeral=manner.ephemeral,
        allowed_mentions=discord.AllowedMentions.none(),
        wait=True,
    )
    return home.at(sent.id)


async def _write(
    interaction: "discord.Interaction[Atelier]",
    show: Send,
    home: Home,
    card: Showable,
    *,
    first: bool,
) -> Home:
    """Write the card to the person directly; to who does not want that, `show` it."""
    if not interaction.response.is_done():
        await interaction.response.defer(thinking=True, ephemeral=True)
    try:
        there = await in_direct_messages(interaction.client, home)
        channel = interaction.client.get_partial_messageable(there.channel_id)
        sent = await channel.send(view=card.view(), allowed_mentions=discord.AllowedMentions.none())
    except discord.HTTPException as error:
        if error.code not in CANNOT_WRITE:
            raise
        home = await show(home, card)
        if first:
            await reply(interaction, say(CLOSED))
        return home
    there = there.at(sent.id)
    if first:
        where = say("It comes to your direct messages: {link}", link=there.link)
        await interaction.edit_original_response(content=where)
    return there
