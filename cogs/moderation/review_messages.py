"""Posts requests for review: at once, after a restart, and again if the message was deleted."""

import asyncio
import logging
import secrets

import discord
from discord import ui

from cogs.context import Client
from cogs.message_ref import MessageRef
from cogs.messages.updater import TRANSIENT_ERRORS
from cogs.moderation.review_cards import prompt_excerpt, review_view
from cogs.policy.server_settings import server_settings
from engine import Decision, InvalidRequest, Review, ReviewMessage, StorageError, Studio, Tasks
from speech import phrase, say, use_language

log = logging.getLogger(__name__)

MAX_LISTED = 20
"""Requests that are listed and reposted at a time, the oldest first."""

NOT_POSTED = phrase("I can't post this for review anywhere. Choose a channel in `/settings`.")


def first_nonce(review: Review) -> str:
    """The nonce of the review's first message."""
    return f"review-{review.id}"


class ReviewMessages:
    """Posts the messages of reviews, and updates them."""

    def __init__(self, bot: Client, studio: Studio) -> None:
        self._bot = bot
        self._studio = studio
        self._tasks = Tasks()
        self._repost_lock = asyncio.Lock()  # two moderators at once must not repost twice

    async def resume(self) -> None:
        """Post the reviews that weren't posted before the program ended."""
        for review in await self._studio.moderation.reviews.waiting():
            if review.message is None:
                self._tasks.start(self._post_if_missing(review), f"post review {review.id}")

    async def close(self) -> None:
        """Stop posting; the next start continues."""
        await self._tasks.cancel()

    async def post(self, review: Review, nonce: str) -> ReviewMessage | None:
        """Post a review in the server's review channel, or else in the channel of the request.

        Discord posts messages with the same `nonce` only once within a few minutes.

        Returns:
            Where it was posted; `None` if that wasn't possible.
        """
        message_ref = MessageRef.from_json(review.message_ref)
        settings = await server_settings(self._studio, review.scope)
        request_channel = None if message_ref.private else message_ref.channel_id
        channel_ids = dict.fromkeys(filter(None, (settings.review_channel, request_channel)))
        view = await self._question_view(review)
        for channel_id in channel_ids:
            try:
                async with self._bot.channel_locks.setdefault(channel_id, asyncio.Lock()):
                    message = await self._bot.get_partial_messageable(channel_id).send(
                        view=view, allowed_mentions=discord.AllowedMentions.none(), nonce=nonce
                    )
            except TRANSIENT_ERRORS as error:
                log.warning("Review %d: can't post in channel %d: %s", review.id, channel_id, error)
            else:
                posted = ReviewMessage(channel_id, message.id)
                await self._store_message(review, posted)
                return posted
        return None

    async def repost_missing(self, scope: str) -> list[str]:
        """Post the waiting reviews of a server again if their message is gone; a line for each."""
        async with self._repost_lock:
            waiting = await self._studio.moderation.reviews.waiting(scope)
            return [await self._ensure_posted(review) for review in waiting[:MAX_LISTED]]

    async def replace_question(self, review: Review, view: ui.LayoutView) -> None:
        """Replace the content of the review's message."""
        if review.message is None:
            return
        try:
            await self._edit(review.message, view)
        except TRANSIENT_ERRORS as error:
            log.warning("Review %d still has its buttons: %s", review.id, error)

    async def _post_if_missing(self, review: Review) -> None:
        try:
            now = await self._studio.moderation.reviews.get(review.id, review.scope)
        except InvalidRequest:
            return
        if now.decision is Decision.WAITING and now.message is None:
            await self.post(review, first_nonce(review))

    async def _ensure_posted(self, review: Review) -> str:
        """The line about a waiting review, whose message is posted again if it is gone."""
        posted: ReviewMessage | None = review.message
        if posted is not None:
            try:
                await self._edit(posted, await self._question_view(review))
            except (discord.NotFound, discord.Forbidden):
                posted = None
            except TRANSIENT_ERRORS as error:
                log.warning("Review %d: can't check its message: %s", review.id, error)
        posted = posted or await self.post(review, secrets.token_hex(8))
        guild = MessageRef.from_json(review.message_ref).guild_id
        where = (
            f"https://discord.com/channels/{guild}/{posted.channel}/{posted.message}"
            if posted is not None
            else say(NOT_POSTED)
        )
        return f"<t:{int(review.asked_at)}:R> <@{review.owner}> {prompt_excerpt(review)} · {where}"

    async def _question_view(self, review: Review) -> ui.LayoutView:
        """The review with its buttons, in the moderators' language."""
        settings = await server_settings(self._studio, review.scope)
        with use_language(settings.language or MessageRef.from_json(review.message_ref).language):
            return review_view(review)

    async def _edit(self, posted: ReviewMessage, view: ui.LayoutView) -> None:
        async with self._bot.channel_locks.setdefault(posted.channel, asyncio.Lock()):
            channel = self._bot.get_partial_messageable(posted.channel)
            await channel.get_partial_message(posted.message).edit(
                view=view, allowed_mentions=discord.AllowedMentions.none()
            )

    async def _store_message(self, review: Review, posted: ReviewMessage) -> None:
        try:
            await self._studio.moderation.reviews.set_message(review.id, posted)
        except StorageError as error:  # moderators see it anyway; the next start posts it again
            log.warning("Review %d: its message couldn't be stored: %s", review.id, error)
