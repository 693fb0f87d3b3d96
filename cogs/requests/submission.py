"""The desk: where a request is taken, from a command or a button alike."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import discord

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.messages.cards import steady_ready_at, waiting_card
from cogs.messages.job_messages import JobMessages
from cogs.messages.replies import reply
from cogs.policy.access import require_postable_channel
from cogs.policy.limits import Limits
from cogs.policy.privacy import ReplyMode, reply_mode_of
from cogs.policy.request_context import channel_language, request_context, settings_in
from cogs.requests.sending import Send, sender
from cogs.requests.user_install import require_downloaded, require_few_jobs, require_in_time
from engine import (
    ImageRequest,
    Job,
    JobEvent,
    JobState,
    NeedsReview,
    NotYours,
    Parent,
    Requester,
    StorageError,
    Studio,
)
from speech import say, speaking, spoken

log = logging.getLogger(__name__)


class ReviewDesk(Protocol):
    """What holds requests for a moderator; the feature for moderation offers it."""

    async def hold(
        self,
        interaction: Interaction,
        message_ref: MessageRef,
        requests: Sequence[ImageRequest],
        words: Sequence[str],
        parent: Parent | None = None,
    ) -> None:
        """Have requests wait for a moderator, and tell the person so."""


class Submission:
    """Takes requests, answers with the home message, and hands the job to the presenter."""

    def __init__(self, studio: Studio, limits: Limits, job_messages: JobMessages) -> None:
        self._studio = studio
        self._limits = limits
        self._job_messages = job_messages

    async def think(
        self,
        interaction: Interaction,
        *,
        private: bool | None = None,
        source: int | None = None,
    ) -> None:
        """Let everybody see that an answer comes, or, if it is private, who asked for it alone.

        Args:
            interaction: The interaction.
            private: Whether the person wants it private, if they have said so.
            source: The job that it goes on from.

        Raises:
            Refused: When nothing may be painted there.
            UnknownJob: When the source is not theirs to see.
        """
        reply_mode = await self.reply_mode(interaction, private=private, source=source)
        await require_postable_channel(interaction, ephemeral=reply_mode.ephemeral)
        await interaction.response.defer(thinking=True, ephemeral=reply_mode.ephemeral)

    async def reply_mode(
        self,
        interaction: Interaction,
        *,
        private: bool | None = None,
        source: int | None = None,
        jobs: int = 1,
    ) -> ReplyMode:
        """How the interaction is answered; the arguments are those of `think`.

        Raises:
            Refused: When so many jobs are too many there.
            UnknownJob: When the source is not theirs to see.
        """
        reply_mode = await reply_mode_of(interaction, private=private, source=source)
        if reply_mode.user_install and not reply_mode.dm:
            require_few_jobs(jobs)
        return reply_mode

    async def take(
        self,
        interaction: Interaction,
        request: ImageRequest,
        parent: Parent | None = None,
        *,
        private: bool | None = None,
        source: int | None = None,
    ) -> None:
        """Submit `request` for whoever interacts, and answer with its home message.

        The job is written down before Discord is answered: if the program dies in between, the
        picture still comes, only later.

        Args:
            interaction: In which it was asked for.
            request: What to paint.
            parent: The picture that it goes on from.
            private: Whether the person wants it private, if they have said so.
            source: The job that it goes on from, where that is no picture's.

        Raises:
            AtelierError: When it is refused; the text is for the person.
        """
        source = parent.job_id if parent is not None else source
        reply_mode = await self.reply_mode(interaction, private=private, source=source)
        message_ref = await self.message_ref_for(interaction, reply_mode, [request])
        try:
            job = await self._studio.submit(
                request,
                await self.requester(interaction, message_ref, parent),
            )
        except NeedsReview as need:
            reviews = interaction.client.services[ReviewDesk]
            await reviews.hold(interaction, message_ref, [request], need.words, parent)
            return
        await self.show(job, message_ref, sender(interaction, reply_mode), lost=message_ref)

    async def take_all(
        self,
        interaction: Interaction,
        requests: Sequence[ImageRequest],
        *,
        answers: bool = True,
        private: bool | None = None,
    ) -> bool:
        """Submit all of `requests` or none, each with a home message of its own.

        Args:
            interaction: In which they were asked for.
            requests: What to paint.
            answers: Whether the first home message is the answer to the interaction; else that is
                left as it is.
            private: Whether the person wants them private, if they have said so.

        Returns:
            Whether they were queued; else a moderator has to look at them first.

        Raises:
            AtelierError: When they are refused; the text is for the person.
        """
        reply_mode = await self.reply_mode(interaction, private=private, jobs=len(requests))
        message_ref = await self.message_ref_for(interaction, reply_mode, requests)
        try:
            jobs = await self._studio.submit_all(
                requests,
                await self.requester(interaction, message_ref.without_token()),
            )
        except NeedsReview as need:
            await interaction.client.services[ReviewDesk].hold(
                interaction, message_ref, requests, need.words
            )
            return False
        for number, job in enumerate(jobs):
            first = answers and number == 0
            lost = message_ref if first else message_ref.without_token()
            await self.show(job, message_ref, sender(interaction, reply_mode, first=first), lost)
        return True

    async def enlarge(self, interaction: Interaction, picture: Parent, factor: int) -> None:
        """Resize the picture for whoever interacts, and answer with it.

        Raises:
            AtelierError: When it is refused; the text is for the person.
        """
        reply_mode = await self.reply_mode(interaction, source=picture.job_id)
        painted = (await self._studio.job(picture.job_id)).recipe
        words = (await request_context(interaction)).words
        await words.check(ImageRequest.of(painted))
        await self.think(interaction, source=picture.job_id)
        message_ref = await self.message_ref_for(interaction, reply_mode)
        job = await self._studio.enlarge(
            picture,
            factor,
            await self.requester(interaction, message_ref),
        )
        if reply_mode.dm:
            await self.show(job, message_ref, sender(interaction, reply_mode), message_ref)
        else:
            self._job_messages.track(job, message_ref)

    async def continue_here(self, interaction: Interaction, job_id: int) -> None:
        """Show the job on the message whose button was clicked, for as long as that token lives.

        Raises:
            UnknownJob: When it is gone.
            NotYours: When somebody else has asked for it.
        """
        job = await self._studio.job(job_id)
        if job.owner != str(interaction.user.id):
            raise NotYours(
                say("Only the person who requested job {number} can do that.", number=job_id)
            )
        message_ref = await message_ref_of_click(interaction, MessageRef.from_json(job.message_ref))
        if message_ref is not None:
            await self._studio.set_message_ref(job.id, message_ref.to_json())
            self._job_messages.track(job, message_ref)

    async def again(self, interaction: Interaction, job_id: int) -> None:
        """Paint the same request with a new seed, as a job of the person who interacts."""
        recipe = (await self._studio.job(job_id)).recipe
        request = replace(ImageRequest.of(recipe), seed=None)
        await self.take(interaction, request, source=job_id)

    async def requester(
        self,
        interaction: Interaction,
        message_ref: MessageRef | None = None,
        parent: Parent | None = None,
    ) -> Requester:
        """The member who interacts, with the limits that apply to them."""
        context = await request_context(interaction)
        settings = settings_in(context)
        return Requester(
            owner=context.owner,
            scope=context.scope,
            message_ref=message_ref.to_json() if message_ref else None,
            rate_limits=self._limits.rate_limits(
                interaction.user, settings.pictures_per_hour, settings.roles
            ),
            parent=parent,
            context=context,
        )

    async def message_ref_for(
        self,
        interaction: Interaction,
        reply_mode: ReplyMode,
        requests: Sequence[ImageRequest] = (),
    ) -> MessageRef:
        """Where the answer belongs, if `requests` can be painted and shown there in time.

        Raises:
            Refused: When they cannot.
        """
        await require_postable_channel(interaction, ephemeral=reply_mode.ephemeral)
        if reply_mode.user_install and not reply_mode.private and requests:
            requester = await self.requester(interaction)
            require_downloaded(await self._studio.missing(requests, requester))
            require_in_time(await self._studio.forecast(requests, requester))
        language = spoken() if reply_mode.private else await channel_language(interaction)
        return MessageRef.of(
            interaction, language, private=reply_mode.private, token_only=reply_mode.token_only
        )

    async def show(self, job: Job, message_ref: MessageRef, send: Send, lost: MessageRef) -> None:
        """Bring the home message of a new job there by `send`, and have it kept true.

        `lost` is where it belongs when Discord does not take it.
        """
        try:
            event = self._studio.event(job.id)
        except KeyError:  # the quickest are over by now
            event = JobEvent(job_id=job.id, state=JobState.RUNNING)
        with speaking(message_ref.language):
            card = waiting_card(
                job, event, steady_ready_at(event, None), message_ref.editable_until
            )
        try:
            with speaking(message_ref.language):  # its buttons speak too
                message_ref = await send(message_ref, card)
            await self._studio.set_message_ref(job.id, message_ref.to_json())
        except StorageError as error:  # it is queued: nobody is to ask for it again
            log.warning("Job %d does not know where it is shown: %s", job.id, error)
        except discord.HTTPException as error:
            log.warning("Job %d: its interaction could not be answered: %s", job.id, error)
            message_ref = lost
        finally:
            self._job_messages.track(job, message_ref, shown=card)


async def message_ref_of_click(
    interaction: Interaction, message_ref: MessageRef
) -> MessageRef | None:
    """A home on the message whose button was clicked: the click brings a new token.

    `None` when it has come directly meanwhile: whoever interacts is told where.
    """
    if not message_ref.token_only:
        await reply(interaction, say("It's in your DMs: {link}", link=message_ref.link))
        return None
    await interaction.response.defer()
    assert interaction.message is not None, "a button is on a message"
    here = MessageRef.of(
        interaction, message_ref.language, private=message_ref.private, token_only=True
    )
    return here.with_message(interaction.message.id)
