"""Queueing what a moderator has allowed, as a request of whoever asked for it."""

import discord

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.policy.access import Refused, member_manages
from cogs.policy.limits import Limits
from cogs.policy.server_settings import server_settings
from engine import AlreadyDecided, AtelierError, Job, RateLimits, Requester, Review
from speech import say


async def submit_review(interaction: Interaction, review: Review) -> list[Job]:
    """The jobs that it becomes, under the limits that count for the member now.

    Raises:
        AlreadyDecided: When it does not wait any more.
        Refused: When the member may not have them now; the text is for the moderator.
    """
    rate_limits = await _rate_limits(interaction, review)
    try:
        return await interaction.client.studio.submit_all(
            review.requests,
            Requester(
                owner=review.owner,
                message_ref=MessageRef.from_json(review.message_ref).without_token().to_json(),
                scope=review.scope,
                rate_limits=rate_limits,
                parent=review.parent,
                review=review.id,
            ),
        )
    except AlreadyDecided:
        raise
    except AtelierError as error:
        raise Refused(
            say(
                "This can't be queued now; {member} would see: “{error}” It stays open.",
                member=f"<@{review.owner}>",
                error=error.sentence,
            )
        ) from error


async def _rate_limits(interaction: Interaction, review: Review) -> RateLimits:
    """What whoever asked may use now.

    Raises:
        Refused: When they have left, or are blocked by now.
    """
    assert interaction.guild is not None, "only servers hold requests"
    bot, who = interaction.client, f"<@{review.owner}>"
    try:
        member = await interaction.guild.fetch_member(int(review.owner))
    except discord.NotFound as error:
        sentence = say("{member} is no longer in this server. Decline the request.", member=who)
        raise Refused(sentence) from error
    block = await bot.studio.moderation.blocked(review.scope, review.owner)
    if block is not None and not member_manages(bot, member):
        raise Refused(
            say(
                "{member} is now blocked. Use `/unblock` first, or decline the request.", member=who
            )
        )
    settings = await server_settings(bot.studio, review.scope)
    return bot.services[Limits].rate_limits(member, settings.pictures_per_hour, settings.roles)
