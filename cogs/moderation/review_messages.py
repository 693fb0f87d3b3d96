"""Asking moderators about requests that wait: at once, after a restart, and where a question is
gone."""

import asyncio
import logging
import secrets

import discord
from discord import ui

from cogs.context import Client
from cogs.message_ref import MessageRef
from cogs.messages.updater import TRANSIENT_ERRORS
from cogs.moderation.review_cards import asking_view, in_short
from cogs.policy.server_settings import server_settings
from engine import Decision, InvalidRequest, Review, ReviewMessage, StorageError, Studio, Tasks
from speech import phrase, say, speaking

log = logging.getLogger(__name__)

MOST_LISTED = 20
"""Requests that are looked after at a time, those that wait longest."""

NOWHERE = phrase("I can't post this for review anywhere. Choose a channel in `/settings`.")


def first(review: Review) -> str:
    """The nonce of the first question about it."""
    return f"review-{review.id}"


class ReviewMessages:
    """Posts the questions, and knows where they are."""

    def __init__(self, bot: Client, studio: Studio) -> None:
        self._bot = bot
        self._studio = studio
        self._tasks = Tasks()
        self._again = asyncio.Lock()  # two who look at once do not make two questions

    async def resume(self) -> None:
        """Ask about what the end of the program has left without a question."""
        for review in await self._studio.moderation.reviews.waiting():
            if review.message is None:
                self._tasks.start(self._take_up(review), f"ask about review {review.id}")

    async def close(self) -> None:
        """Ask no more; the next start goes on."""
        await self._tasks.cancel()

    async def ask(self, review: Review, nonce: str) -> ReviewMessage | None:
        """Ask where the server wants that, else where it was asked for; where, if that went.

        Within a few minutes Discord makes one message of all that have the same `nonce`.
        """
        message_ref = MessageRef.from_json(review.message_ref)
        settings = await server_settings(self._studio, review.scope)
        rooms = [settings.review_channel, None if message_ref.private else message_ref.channel_id]
        view = await self._view(review)
        for room in dict.fromkeys(room for room in rooms if room is not None):
            try:
                async with self._bot.channel_locks.setdefault(room, asyncio.Lock()):
                    message = await self._bot.get_partial_messageable(room).send(
                        view=view, allowed_mentions=discord.AllowedMentions.none(), nonce=nonce
                    )
            except TRANSIENT_ERRORS as error:
                log.warning("Review %d cannot be shown in channel %d: %s", review.id, room, error)
            else:
                asked = ReviewMessage(room, message.id)
                await self._keep(review, asked)
                return asked
        return None

    async def all_again(self, scope: str) -> list[str]:
        """Ask again about those of a scope whose question is gone; a line about each that waits."""
        async with self._again:
            waiting = await self._studio.moderation.reviews.waiting(scope)
            return [await self._looked_after(review) for review in waiting[:MOST_LISTED]]

    async def redraw(self, review: Review, view: ui.LayoutView) -> None:
        """Show something else in the place of the question."""
        if review.message is None:
            return
        try:
            await self._edit(review.message, view)
        except TRANSIENT_ERRORS as error:
            log.warning("Review %d still has its buttons: %s", review.id, error)

    async def _take_up(self, review: Review) -> None:
        try:
            now = await self._studio.moderation.reviews.get(review.id, review.scope)
        except InvalidRequest:
            return
        if now.decision is Decision.WAITING and now.message is None:
            await self.ask(review, first(review))

    async def _looked_after(self, review: Review) -> str:
        """The line about it, once it has a question."""
        asked: ReviewMessage | None = review.message
        if asked is not None:
            try:
                await self._edit(asked, await self._view(review))
            except (discord.NotFound, discord.Forbidden):
                asked = None
            except TRANSIENT_ERRORS as error:
                log.warning("Review %d cannot be looked after: %s", review.id, error)
        asked = asked or await self.ask(review, secrets.token_hex(8))
        guild = MessageRef.from_json(review.message_ref).guild_id
        where = (
            f"https://discord.com/channels/{guild}/{asked.channel}/{asked.message}"
            if asked is not None
            else say(NOWHERE)
        )
        return f"<t:{int(review.asked_at)}:R> <@{review.owner}> {in_short(review)} · {where}"

    async def _view(self, review: Review) -> ui.LayoutView:
        """The question, in the language of those who read it."""
        settings = await server_settings(self._studio, review.scope)
        with speaking(settings.language or MessageRef.from_json(review.message_ref).language):
            return asking_view(review)

    async def _edit(self, asked: ReviewMessage, view: ui.LayoutView) -> None:
        async with self._bot.channel_locks.setdefault(asked.channel, asyncio.Lock()):
            channel = self._bot.get_partial_messageable(asked.channel)
            await channel.get_partial_message(asked.message).edit(
                view=view, allowed_mentions=discord.AllowedMentions.none()
            )

    async def _keep(self, review: Review, asked: ReviewMessage) -> None:
        try:
            await self._studio.moderation.reviews.set_message(review.id, asked)
        except StorageError as error:  # moderators see it; the next start asks once more
            log.warning("Review %d does not know its question: %s", review.id, error)
