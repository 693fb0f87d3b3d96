"""The presenter: keeps each job's message true, from queued to the pictures."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

from cogs.context import Client
from cogs.message_ref import MessageRef
from cogs.messages.cards import (
    PREVIEW,
    Card,
    cancelled_card,
    expiring_card,
    failed_card,
    ready_at,
    result_card,
    waiting_card,
    withheld_card,
)
from cogs.messages.delivery import Rejected, TooLarge
from cogs.messages.encodings import Upload, encodings
from cogs.messages.lineage import parent_link
from cogs.messages.removal import CellMessages
from cogs.messages.throttle import edit_interval
from cogs.messages.updater import MessageUpdater, TrackedMessage
from cogs.policy.model_capabilities import model_can_inpaint
from cogs.policy.nsfw import Exposure, exposure_in_channel, preview_exposure
from engine import Job, JobEvent, JobState, Studio, UnknownJob
from speech import resaid, say

log = logging.getLogger(__name__)


class Unreadable(Exception):
    """The file of a finished picture is gone or damaged."""


class JobMessages:
    """Has the messages of jobs followed."""

    def __init__(self, bot: Client, studio: Studio, followers: MessageUpdater) -> None:
        self._bot = bot
        self._studio = studio
        self._followers = followers

    def present(self, job: Job, message_ref: MessageRef, shown: Card | None = None) -> None:
        """Keep the message at `message_ref`, which shows `shown`, up to date from now on."""
        self._followers.follow(_TrackedJob(self._bot, self._followers, job), message_ref, shown)

    async def refresh(self, job: Job) -> None:
        """Have the message of a finished job, or of the grid it is in, show its outcome again."""
        if job.cell is None:
            self.present(job, MessageRef.from_json(job.message_ref))
        else:
            with suppress(UnknownJob):
                await self._bot.services[CellMessages].redraw(job)

    async def resume(self) -> None:
        """Take up every job whose outcome was not shown when the program ended."""
        for job in await self._studio.unsettled():
            self.present(job, MessageRef.from_json(job.message_ref))


class _TrackedJob(TrackedMessage[JobEvent]):
    """A job whose message is kept true."""

    def __init__(self, bot: Client, followers: MessageUpdater, job: Job) -> None:
        self.key, self.name = job.id, f"job-{job.id}"
        self._bot = bot
        self._followers = followers
        self._studio = bot.studio
        self._job = job
        self._nonce = None if job.settled else f"atelier-{job.id}"
        self._ready: float | None = None

    def watch(self) -> AsyncGenerator[JobEvent, None]:
        return self._studio.watch(self._job.id)

    def over(self, news: JobEvent) -> bool:
        return not news.state.waiting

    def every(self, news: JobEvent | None) -> float:
        return edit_interval(news)

    async def set_message_ref(self, message_ref: MessageRef) -> None:
        await self._studio.set_message_ref(self._job.id, message_ref.to_json())

    async def settle(self) -> None:
        await self._studio.settle(self._job.id)

    async def underway(
        self, news: JobEvent, message_ref: MessageRef
    ) -> tuple[Card, Sequence[Upload]]:
        self._ready = ready_at(news, self._ready)
        if message_ref.seconds_to_parting == 0.0:
            return expiring_card(self._job, news.state), ()
        news, covered = await self._discreet(news, message_ref)
        card = waiting_card(self._job, news, self._ready, message_ref.until)
        uploads = (Upload(PREVIEW, news.preview),) if news.preview else ()
        return replace(card, covered=covered), uploads

    async def _discreet(
        self, event: JobEvent, message_ref: MessageRef
    ) -> tuple[JobEvent, frozenset[int]]:
        """The event with a preview only where one may be shown, and what is covered of it."""
        if event.preview is None:
            return event, frozenset()
        showing = await preview_exposure(self._bot, message_ref)
        if showing.withheld:
            return replace(event, preview=None), frozenset()
        return event, showing.covered

    async def show_outcome(self, news: JobEvent, message_ref: MessageRef) -> MessageRef:
        job = self._job
        if news.state is JobState.CANCELLED:
            nonce = (
                None if message_ref.leased else self._nonce
            )  # nobody needs to be written to for that
            return await self._followers.tell(self, message_ref, cancelled_card(job), nonce=nonce)
        if news.state is JobState.FAILED:
            sentence = resaid(news.error) or say("The picture couldn't be painted.")
            return await self._deliver(message_ref, failed_card(job, sentence))
        showing = await exposure_in_channel(self._bot, job, message_ref)
        if showing.withheld:
            return await self._deliver(message_ref, withheld_card(job))
        try:
            async with aclosing(_encoded(news.pictures, message_ref.upload_limit)) as levels:
                async for uploads in levels:
                    try:
                        return await self._deliver_pictures(message_ref, uploads, showing)
                    except TooLarge:
                        log.info("Job %d: too large for its channel, made smaller", job.id)
            sentence = say(
                "The pictures are too large for this channel. The bot's owner has them on disk."
            )
        except Unreadable as error:
            log.error("Job %d: its pictures cannot be read: %s", job.id, error)
            sentence = say("The picture files no longer exist.")
        except Rejected as error:
            log.error("Job %d: Discord does not take its pictures: %s", job.id, error)
            sentence = say("Discord rejected the pictures. The bot's owner has them on disk.")
        return await self._deliver(message_ref, failed_card(job, sentence))

    async def _deliver_pictures(
        self, message_ref: MessageRef, uploads: Sequence[Upload], showing: Exposure
    ) -> MessageRef:
        names = [upload.name for upload in uploads]
        fillable = model_can_inpaint(self._studio.models, self._job.recipe.model)
        came_from = await parent_link(self._studio, self._job)
        card = result_card(self._job, names, came_from, fillable=fillable)
        return await self._deliver(message_ref, replace(card, covered=showing.covered), uploads)

    async def _deliver(
        self, message_ref: MessageRef, card: Card, uploads: Sequence[Upload] = ()
    ) -> MessageRef:
        return await self._followers.tell(self, message_ref, card, uploads, nonce=self._nonce)


async def _encoded(files: Sequence[Path], limit: int) -> AsyncGenerator[tuple[Upload, ...], None]:
    """The encodings of the pictures, each made in a thread when it is asked for.

    Raises:
        Unreadable: When a file is gone or damaged.
    """
    levels = encodings(files, limit)
    try:
        while (uploads := await asyncio.to_thread(next, levels, None)) is not None:
            yield uploads
    except OSError as error:
        raise Unreadable(str(error)) from error
