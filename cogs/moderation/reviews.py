"""Reviews: requests that wait until a moderator has looked at them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

import discord

from cogs.context import Client, Interaction
from cogs.message_ref import MessageRef
from cogs.messages.cards import Card
from cogs.messages.delivery import Rejected, TooLarge, Unreachable, deliver
from cogs.messages.replies import reply
from cogs.messages.updater import TRANSIENT_ERRORS
from cogs.moderation.blocks import split_into_messages
from cogs.moderation.review_cards import (
    allowed_view,
    in_short,
    over_view,
    refused_view,
    withdrawing_view,
    withdrawn_view,
)
from cogs.moderation.review_messages import ReviewMessages, first
from cogs.moderation.review_notices import tell_allowed, tell_refused
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
from speech import say, speaking

log = logging.getLogger(__name__)


class ReviewService:
    """Holds requests, asks moderators, and does what they say."""

    def __init__(self, bot: Client, studio: Studio, submission: Submission) -> None:
        self._bot = bot
        self._studio = studio
        self._submission = submission
        self._asking = ReviewMessages(bot, studio)
        self._deciding = asyncio.Lock()

    async def resume(self) -> None:
        """Have moderators look at what the end of the program has left unseen."""
        await self._asking.resume()

    async def close(self) -> None:
        """Leave the rest to the next start."""
        await self._asking.close()

    async def hold(
        self,
        interaction: Interaction,
        message_ref: MessageRef,
        requests: Sequence[ImageRequest],
        words: Sequence[str],
        parent: Parent | None = None,
    ) -> None:
        """Have requests of whoever interacts wait for a moderator, and tell them so.

        Args:
            interaction: In which they were asked for.
            message_ref: Where the answer belongs.
            requests: What is to be painted.
            words: Those for which they are held.
            parent: The picture that they go on from.

        Raises:
            AtelierError: When they cannot wait; the text is for the person.
        """
        scope = scope_of(interaction)
        held = self._studio.moderation.reviews
        owner = str(interaction.user.id)
        review = await held.hold(scope, owner, message_ref.to_json(), requests, words, parent)
        if interaction.response.type is discord.InteractionResponseType.deferred_channel_message:
            await interaction.delete_original_response()  # everybody would read what fills it
        elif not interaction.response.is_done():
            await interaction.response.defer(ephemeral=True, thinking=True)
        if await self._asking.ask(review, first(review)) is None:
            await held.drop(review.id)
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
            view=withdrawing_view(review),
            ephemeral=True,
        )

    async def withdraw(self, interaction: Interaction, number: int) -> None:
        """Take your own request back."""
        held = self._studio.moderation.reviews
        review = await held.get(number, scope_of(interaction))
        if review.owner != str(interaction.user.id):
            raise Refused(say("Only the person who asked for this can withdraw it."))
        if not await held.decide(number, Decision.WITHDRAWN):
            raise Refused(say("This request has already been decided."))
        await interaction.response.edit_message(
            content=say("You withdrew this request. Moderators won't review it."), view=None
        )
        with speaking(await channel_language(interaction)):
            view = withdrawn_view(review)
        await self._asking.redraw(review, view)

    async def list_waiting(self, interaction: Interaction) -> None:
        """Tell a moderator what waits, and ask again where a question is gone."""
        require_moderator(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        lines = await self._asking.all_again(scope_of(interaction))
        for text in split_into_messages(lines):
            await reply(interaction, text)
        if not lines:
            await reply(interaction, say("No requests are waiting for review here."))

    async def allow(self, interaction: Interaction, number: int) -> None:
        """Queue the request as a job of the member who asked, under their limits now.

        Raises:
            AtelierError: When it cannot be queued; it goes on waiting.
        """
        require_moderator(interaction)
        await interaction.response.defer()
        async with self._deciding:
            review = await self._waiting(interaction, number)
            jobs = await submit_review(interaction, review)
        who, prompt = f"<@{review.owner}>", in_short(review)
        await record(
            interaction, say("approved {member}'s request: {prompt}", member=who, prompt=prompt)
        )
        await self._redraw(interaction, review, allowed_view)
        for job in jobs:
            message_ref = MessageRef.from_json(job.message_ref)
            await self._submission.show(
                job, message_ref, partial(self._post, job), lost=message_ref
            )
        shown = MessageRef.from_json((await self._studio.job(jobs[0].id)).message_ref)
        if not shown.private:
            await tell_allowed(self._bot, shown, _server(interaction))

    async def refuse(self, interaction: Interaction, number: int) -> None:
        """Drop the request and tell the member who asked."""
        require_moderator(interaction)
        await interaction.response.defer()
        async with self._deciding:
            review = await self._waiting(interaction, number)
            if not await self._studio.moderation.reviews.decide(number, Decision.REFUSED):
                raise Refused(say("This request has already been decided."))
        who, prompt = f"<@{review.owner}>", in_short(review)
        await record(
            interaction, say("declined {member}'s request: {prompt}", member=who, prompt=prompt)
        )
        await self._redraw(interaction, review, refused_view)
        await tell_refused(self._bot, review, _server(interaction))

    async def _waiting(self, interaction: Interaction, number: int) -> Review:
        """The review of that number, which nobody has decided yet.

        Raises:
            InvalidRequest: When it has waited for too long.
            Refused: When somebody was quicker.
        """
        try:
            review = await self._studio.moderation.reviews.get(number, scope_of(interaction))
        except InvalidRequest:
            with speaking(await channel_language(interaction)):
                view = over_view()
            await interaction.edit_original_response(view=view)
            raise
        if review.decision is Decision.WITHDRAWN:
            with speaking(await channel_language(interaction)):
                view = withdrawn_view(review)
            await interaction.edit_original_response(view=view)
            raise Refused(say("The member has withdrawn this request."))
        if review.decision is not Decision.WAITING:
            raise Refused(say("Another moderator has already decided this."))
        return review

    async def _redraw(
        self,
        interaction: Interaction,
        review: Review,
        decided: Callable[[Review, int], discord.ui.LayoutView],
    ) -> None:
        """Show on the message that it is decided; what follows does not depend on that."""
        settings = await server_settings(self._studio, review.scope)
        with speaking(settings.language or MessageRef.from_json(review.message_ref).language):
            view = decided(review, interaction.user.id)
        try:
            await interaction.edit_original_response(
                view=view, allowed_mentions=discord.AllowedMentions.none()
            )
        except TRANSIENT_ERRORS as error:
            log.warning("Review %d still has its buttons: %s", review.id, error)

    async def _post(self, job: Job, message_ref: MessageRef, card: Card) -> MessageRef:
        """Show a job where it was asked for, or, if that was private, directly."""
        try:
            return await deliver(self._bot, message_ref, card, [], nonce=f"allowed-{job.id}")
        except (Unreachable, Rejected, TooLarge, UnknownJob, *TRANSIENT_ERRORS) as error:
            log.warning("Job %d cannot be shown yet: %s", job.id, error)
            return message_ref


def _server(interaction: Interaction) -> str:
    assert interaction.guild is not None, "only servers hold requests"
    return discord.utils.escape_markdown(interaction.guild.name)
