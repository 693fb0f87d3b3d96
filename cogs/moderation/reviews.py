"""Requests that wait for a moderator's decision."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

import discord

from cogs.context import Client, Interaction
from cogs.markdown import escaped_line
from cogs.message_ref import MessageRef
from cogs.messages.cards import Card
from cogs.messages.delivery import Rejected, TooLarge, Unreachable, deliver
from cogs.messages.replies import reply
from cogs.messages.updater import TRANSIENT_ERRORS
from cogs.moderation.blocks import split_into_messages
from cogs.moderation.review_cards import (
    approved_view,
    declined_view,
    expired_view,
    prompt_excerpt,
    withdraw_button_view,
    withdrawn_view,
)
from cogs.moderation.review_messages import ReviewMessages, first_nonce
from cogs.moderation.review_notices import notify_approved, notify_declined
from cogs.moderation.review_submission import submit_review
from cogs.policy.access import Refused, require_moderator
from cogs.policy.audit import record
from cogs.policy.contexts import scope_of
from cogs.policy.request_context import channel_language
from cogs.policy.server_settings import server_settings
from cogs.requests.submission import Submission
from engine import (
    REVIEW_LIFETIME,
    Decision,
    ImageRequest,
    InvalidRequest,
    Job,
    Parent,
    Review,
    Studio,
    UnknownJob,
)
from speech import say, use_language

log = logging.getLogger(__name__)


class ReviewService:
    """Holds requests for review, and carries out the moderators' decisions."""

    def __init__(self, bot: Client, studio: Studio, submission: Submission) -> None:
        self._bot = bot
        self._studio = studio
        self._submission = submission
        self._messages = ReviewMessages(bot, studio)
        self._decision_lock = asyncio.Lock()

    async def resume(self) -> None:
        """Post the reviews that weren't posted before the program ended."""
        await self._messages.resume()

    async def close(self) -> None:
        """Stop posting; the next start continues."""
        await self._messages.close()

    async def hold(
        self,
        interaction: Interaction,
        message_ref: MessageRef,
        requests: Sequence[ImageRequest],
        words: Sequence[str],
        parent: Parent | None = None,
    ) -> None:
        """Hold requests of the user for review, and notify them.

        Args:
            interaction: The interaction that submitted them.
            message_ref: Where the answer belongs.
            requests: The requests.
            words: The words that have to be reviewed.
            parent: The picture that they are made from.

        Raises:
            AtelierError: When they can't be held; the text is for the user.
        """
        scope = scope_of(interaction)
        reviews = self._studio.moderation.reviews
        owner = str(interaction.user.id)
        review = await reviews.hold(
            scope, owner, message_ref.to_json(), requests, words, parent, act=interaction.id
        )
        if interaction.response.type is discord.InteractionResponseType.deferred_channel_message:
            # The notice would take its place, for the whole channel to read.
            await interaction.delete_original_response()
        elif not interaction.response.is_done():
            await interaction.response.defer(ephemeral=True, thinking=True)
        if await self._messages.post(review, first_nonce(review)) is None:
            await reviews.drop(review.id)
            raise Refused(
                say(
                    "Your prompt contains a word that a moderator of this server must review "
                    "first, and I can't reach one from here. Rephrase it, or ask someone who "
                    "manages the server."
                )
            )
        await interaction.followup.send(
            say(
                "Your prompt contains a word that a moderator of this server must review "
                "first. It will wait until <t:{end}:f>; I'll tell you what they decide.",
                end=int(review.asked_at + REVIEW_LIFETIME),
            ),
            view=withdraw_button_view(review),
            ephemeral=True,
        )

    async def withdraw(self, interaction: Interaction, number: int) -> None:
        """Take your own request back."""
        reviews = self._studio.moderation.reviews
        review = await reviews.get(number, scope_of(interaction))
        if review.owner != str(interaction.user.id):
            raise Refused(say("Only the person who asked for this can withdraw it."))
        if not await reviews.decide(number, Decision.WITHDRAWN):
            raise Refused(say("This request has already been decided."))
        await interaction.response.edit_message(
            content=say("You withdrew this request. Moderators won't review it."), view=None
        )
        with use_language(await channel_language(interaction)):
            view = withdrawn_view(review)
        await self._messages.replace_question(review, view)

    async def list_waiting(self, interaction: Interaction) -> None:
        """List the waiting reviews for a moderator, and post deleted ones again."""
        require_moderator(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        lines = await self._messages.repost_missing(scope_of(interaction))
        for text in split_into_messages(lines):
            await reply(interaction, text)
        if not lines:
            await reply(interaction, say("No requests are waiting for review here."))

    async def approve(self, interaction: Interaction, number: int) -> None:
        """Queue the request as a job of the member who asked, under their limits now.

        Raises:
            AtelierError: When it can't be queued; it keeps waiting.
        """
        require_moderator(interaction)
        await interaction.response.defer()
        async with self._decision_lock:
            review = await self._open_review(interaction, number)
            jobs = await submit_review(interaction, review)
        member, prompt = f"<@{review.owner}>", prompt_excerpt(review)
        await record(
            interaction, say("approved {member}'s request: {prompt}", member=member, prompt=prompt)
        )
        await self._redraw_decided(interaction, review, approved_view)
        for job in jobs:
            message_ref = MessageRef.from_json(job.message_ref)
            await self._submission.post(
                job, message_ref, partial(self._deliver_or_log, job), fallback=message_ref
            )
        shown = MessageRef.from_json((await self._studio.job(jobs[0].id)).message_ref)
        if not shown.private:
            await notify_approved(self._bot, shown, _server_name(interaction))

    async def decline(self, interaction: Interaction, number: int) -> None:
        """Drop the request and tell the member who asked."""
        require_moderator(interaction)
        await interaction.response.defer()
        async with self._decision_lock:
            review = await self._open_review(interaction, number)
            if not await self._studio.moderation.reviews.decide(number, Decision.REFUSED):
                raise Refused(say("This request has already been decided."))
        member, prompt = f"<@{review.owner}>", prompt_excerpt(review)
        await record(
            interaction, say("declined {member}'s request: {prompt}", member=member, prompt=prompt)
        )
        await self._redraw_decided(interaction, review, declined_view)
        await notify_declined(self._bot, review, _server_name(interaction))

    async def _open_review(self, interaction: Interaction, number: int) -> Review:
        """The review of that number, which hasn't been decided yet.

        Raises:
            InvalidRequest: When it has expired.
            Refused: When it was decided or withdrawn.
        """
        try:
            review = await self._studio.moderation.reviews.get(number, scope_of(interaction))
        except InvalidRequest:
            with use_language(await channel_language(interaction)):
                view = expired_view()
            await interaction.edit_original_response(view=view)
            raise
        if review.decision is Decision.WITHDRAWN:
            with use_language(await channel_language(interaction)):
                view = withdrawn_view(review)
            await interaction.edit_original_response(view=view)
            raise Refused(say("The member has withdrawn this request."))
        if review.decision is not Decision.WAITING:
            raise Refused(say("Another moderator has already decided this."))
        return review

    async def _redraw_decided(
        self,
        interaction: Interaction,
        review: Review,
        decided_view: Callable[[Review, int], discord.ui.LayoutView],
    ) -> None:
        """Show the decision in the review's message; failures are only logged."""
        settings = await server_settings(self._studio, review.scope)
        with use_language(settings.language or MessageRef.from_json(review.message_ref).language):
            view = decided_view(review, interaction.user.id)
        try:
            await interaction.edit_original_response(
                view=view, allowed_mentions=discord.AllowedMentions.none()
            )
        except TRANSIENT_ERRORS as error:
            log.warning("Review %d still has its buttons: %s", review.id, error)

    async def _deliver_or_log(self, job: Job, message_ref: MessageRef, card: Card) -> MessageRef:
        """Show a job in the channel of the request, or in the member's DMs if it was private."""
        try:
            return await deliver(self._bot, message_ref, card, [], nonce=f"allowed-{job.id}")
        except (Unreachable, Rejected, TooLarge, UnknownJob, *TRANSIENT_ERRORS) as error:
            log.warning("Job %d can't be shown yet: %s", job.id, error)
            return message_ref


def _server_name(interaction: Interaction) -> str:
    assert interaction.guild is not None, "only servers hold requests"
    return escaped_line(interaction.guild.name)
