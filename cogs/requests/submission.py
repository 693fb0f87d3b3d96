"""Submitting requests, from a command or a button alike, and posting each job's message."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

import discord

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.messages.cards import steady_ready_at, waiting_card
from cogs.messages.job_messages import JobMessages
from cogs.policy.privacy import reply_mode_of
from cogs.policy.request_context import request_context
from cogs.requests.acknowledgements import Acknowledgements
from cogs.requests.answers import (
    defer,
    message_ref_for,
    reply_mode_for_jobs,
    requester_of,
)
from cogs.requests.sending import SendCard, card_sender
from engine import (
    ImageRequest,
    Job,
    JobEvent,
    JobState,
    NeedsReview,
    Parent,
    Requester,
    StorageError,
    Studio,
)
from speech import use_language

log = logging.getLogger(__name__)


QueueWork = Callable[[Requester], Awaitable[Job]]
"""Queues work on a finished picture for somebody."""


class RequestReviews(Protocol):
    """Holds requests until a moderator decides. The moderation feature provides it."""

    async def hold(
        self,
        interaction: Interaction,
        message_ref: MessageRef,
        requests: Sequence[ImageRequest],
        words: Sequence[str],
        parent: Parent | None = None,
    ) -> None:
        """Hold the requests for a moderator, and tell the user."""


class Submission:
    """Submits requests, answers with each job's message, and has it kept up to date."""

    def __init__(self, studio: Studio, job_messages: JobMessages) -> None:
        self._studio = studio
        self._job_messages = job_messages
        self._acknowledgements = Acknowledgements()

    async def submit(
        self,
        interaction: Interaction,
        request: ImageRequest,
        parent: Parent | None = None,
        *,
        private: bool | None = None,
        source: int | None = None,
    ) -> None:
        """Submit `request` for the user, and answer with its job's message.

        The job is stored before Discord gets an answer: if the program stops in between, the
        picture is painted at the next start.

        Args:
            interaction: The interaction.
            request: What to paint.
            parent: The picture that the request is made from, if any.
            private: The privacy that the user chose for this request, if any.
            source: The job that the request is made from, if not from one of its pictures.

        Raises:
            AtelierError: When it is refused; the text is for the user.
        """
        source = parent.job_id if parent is not None else source
        reply_mode = await reply_mode_of(interaction, private=private, source=source)
        message_ref = await message_ref_for(interaction, reply_mode, [request])
        requester = await requester_of(interaction, message_ref, parent)
        try:
            async with self._acknowledgements.in_time(interaction, reply_mode):
                job = await self._studio.submit(request, requester)
        except NeedsReview as error:
            reviews = interaction.client.services[RequestReviews]
            await reviews.hold(interaction, message_ref, [request], error.words, parent)
            return
        send = card_sender(interaction, reply_mode)
        await self.post(job, message_ref, send, fallback=message_ref)

    async def submit_all(
        self,
        interaction: Interaction,
        requests: Sequence[ImageRequest],
        *,
        as_answer: bool = True,
        private: bool | None = None,
    ) -> bool:
        """Submit all of `requests` or none, each with a message of its own.

        Args:
            interaction: The interaction.
            requests: What to paint.
            as_answer: Whether the first message answers the interaction; otherwise all messages
                are follow-ups.
            private: The privacy that the user chose for them, if any.

        Returns:
            Whether they were queued; if not, they wait for a moderator.

        Raises:
            AtelierError: When they are refused; the text is for the user.
        """
        reply_mode = await reply_mode_for_jobs(interaction, len(requests), private=private)
        message_ref = await message_ref_for(interaction, reply_mode, requests)
        requester = await requester_of(interaction, message_ref.without_token())
        try:
            async with self._acknowledgements.in_time(interaction, reply_mode):
                jobs = await self._studio.submit_all(requests, requester)
        except NeedsReview as error:
            reviews = interaction.client.services[RequestReviews]
            await reviews.hold(interaction, message_ref, requests, error.words)
            return False
        for index, job in enumerate(jobs):
            first = as_answer and index == 0
            send = card_sender(interaction, reply_mode, first=first)
            fallback = message_ref if first else message_ref.without_token()
            await self.post(job, message_ref, send, fallback)
        return True

    async def submit_again(self, interaction: Interaction, job_id: int) -> None:
        """Submit the job's request for the user, with a new seed. Raises what `submit` raises."""
        recipe = (await self._studio.job(job_id)).recipe
        request = replace(ImageRequest.of(recipe), seed=None)
        await self.submit(interaction, request, source=job_id)

    async def enlarge(self, interaction: Interaction, picture: Parent, factor: int) -> None:
        """Resize the picture for the user, and answer with it.

        Raises:
            AtelierError: When it is refused; the text is for the user.
        """
        reply_mode = await reply_mode_of(interaction, source=picture.job_id)
        recipe = (await self._studio.job(picture.job_id)).recipe
        words = (await request_context(interaction)).words
        await words.check(ImageRequest.of(recipe))
        await defer(interaction, source=picture.job_id)
        message_ref = await message_ref_for(interaction, reply_mode)
        requester = await requester_of(interaction, message_ref)
        job = await self._studio.enlarge(picture, factor, requester)
        if reply_mode.dm:
            send = card_sender(interaction, reply_mode)
            await self.post(job, message_ref, send, fallback=message_ref)
        else:
            self._job_messages.track(job, message_ref)

    async def process(self, interaction: Interaction, picture: Parent, queue: QueueWork) -> None:
        """Queue work on the picture for the user, and answer with its job's message.

        Args:
            interaction: The interaction.
            picture: The picture.
            queue: Queues the work.

        Raises:
            AtelierError: When it is refused; the text is for the user.
        """
        reply_mode = await reply_mode_of(interaction, source=picture.job_id)
        await defer(interaction, source=picture.job_id)
        message_ref = await message_ref_for(interaction, reply_mode)
        job = await queue(await requester_of(interaction, message_ref))
        send = card_sender(interaction, reply_mode)
        await self.post(job, message_ref, send, fallback=message_ref)

    async def post(
        self, job: Job, message_ref: MessageRef, send: SendCard, fallback: MessageRef
    ) -> None:
        """Send the message of a new job, and have it kept up to date.

        Args:
            job: The job.
            message_ref: Where its message is to be.
            send: Sends it there.
            fallback: Where the result is to be if Discord refuses the message.
        """
        try:
            event = self._studio.event(job.id)
        except KeyError:  # it is over already
            event = JobEvent(job_id=job.id, state=JobState.RUNNING)
        with use_language(message_ref.language):
            card = waiting_card(
                job, event, steady_ready_at(event, None), message_ref.editable_until
            )
        try:
            with use_language(message_ref.language):  # its buttons' labels are translated when sent
                message_ref = await send(message_ref, card)
            await self._studio.set_message_ref(job.id, message_ref.to_json())
        except StorageError as error:  # it is queued anyway: an error would make them retry
            log.warning("Job %d: the place of its message couldn't be stored: %s", job.id, error)
        except discord.HTTPException as error:
            log.warning("Job %d: its message couldn't be sent: %s", job.id, error)
            message_ref = fallback
        finally:
            self._job_messages.track(job, message_ref, shown=card)
