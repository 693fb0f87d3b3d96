"""Queues what a moderator approved, as jobs of the member who requested it."""

import discord

from cogs.context import Interaction
from cogs.markdown import Markdown
from cogs.message_ref import MessageRef
from cogs.policy.access import Refused, member_manages
from cogs.policy.limits import Limits
from cogs.policy.server_settings import server_settings
from engine import AlreadyDecided, AtelierError, Job, RateLimits, Requester, Review
from speech import say


async def submit_review(interaction: Interaction, review: Review) -> list[Job]:
    """Queue the requests of a review, under the limits that apply to the member now.

    Raises:
        AlreadyDecided: When it was decided or withdrawn.
        Refused: When the member may not queue them now; the text is for the moderator.
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
                member=Markdown(f"<@{review.owner}>"),
                error=error.sentence,
            )
        ) from error


async def _rate_limits(interaction: Interaction, review: Review) -> RateLimits:
    """The limits that apply to the member now.

    Raises:
        Refused: When they have left the server, or are blocked.
    """
    assert interaction.guild is not None, "only servers hold requests"
    bot, mention = interaction.client, Markdown(f"<@{review.owner}>")
    try:
        member = await interaction.guild.fetch_member(int(review.owner))
    except discord.NotFound as error:
        sentence = say("{member} is no longer in this server. Decline the request.", member=mention)
        raise Refused(sentence) from error
    block = await bot.studio.moderation.blocked(review.scope, review.owner)
    if block is not None and not member_manages(bot, member):
        raise Refused(
            say(
                "{member} is now blocked. Use `/unblock` first, or decline the request.",
                member=mention,
            )
        )
    settings = await server_settings(bot.studio, review.scope)
    return bot.services[Limits].rate_limits(member, settings.pictures_per_hour, settings.roles)
