"""Keeps the message of each job up to date, from queued to the pictures."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

from cogs.context import Client
from cogs.markdown import in_markdown
from cogs.message_ref import MessageRef
from cogs.messages.cards import (
    PREVIEW,
    Card,
    cancelled_card,
    expiring_card,
    failed_card,
    result_card,
    steady_ready_at,
    waiting_card,
    withheld_card,
)
from cogs.messages.control_map import ControlMap, FittedMap, control_map
from cogs.messages.delivery import Rejected, TooLarge
from cogs.messages.encodings import Upload, encodings, total_bytes
from cogs.messages.pings import Ping
from cogs.messages.removal import CellMessages
from cogs.messages.throttle import edit_interval
from cogs.messages.updater import MessageUpdater, TrackedMessage
from cogs.policy.model_capabilities import some_model_edits
from cogs.policy.nsfw import Exposure, exposure_in_channel, preview_exposure
from cogs.policy.visibility import jump_url
from engine import Job, JobEvent, JobState, Studio, UnknownJob
from speech import phrase, say

log = logging.getLogger(__name__)

PICTURE_READY = phrase("{owner}, your picture is ready.")
PICTURES_READY = phrase("{owner}, your pictures are ready.")


class Unreadable(Exception):
    """The file of a painted picture is gone or damaged."""


class JobMessages:
    """Tracks the messages of jobs."""

    def __init__(self, bot: Client, studio: Studio, updater: MessageUpdater) -> None:
        self._bot = bot
        self._studio = studio
        self._updater = updater

    def track(self, job: Job, message_ref: MessageRef, shown: Card | None = None) -> None:
        """Keep the message at `message_ref`, which shows `shown`, up to date from now on."""
        self._updater.track(_TrackedJob(self._bot, self._updater, job), message_ref, shown)

    async def refresh(self, job: Job) -> None:
        """Redraw the message of a finished job, or of the grid of which it is a cell."""
        if job.cell is None:
            self.track(job, MessageRef.from_json(job.message_ref))
        else:
            with suppress(UnknownJob):
                await self._bot.services[CellMessages].redraw(job)

    async def resume(self) -> None:
        """Track every job whose outcome wasn't shown before the program ended."""
        for job in await self._studio.undelivered():
            try:
                message_ref = MessageRef.from_json(job.message_ref)
            except (TypeError, ValueError, AttributeError):
                log.error("The place of job %d can't be read: it isn't shown", job.id)
                continue
            self.track(job, message_ref)


class _TrackedJob(TrackedMessage[JobEvent]):
    """A job whose message is kept up to date."""

    def __init__(self, bot: Client, updater: MessageUpdater, job: Job) -> None:
        self.key, self.name = job.id, f"job-{job.id}"
        self._bot = bot
        self._updater = updater
        self._studio = bot.studio
        self._job = job
        self._nonce = None if job.delivered else f"atelier-{job.id}"
        self._ready_at: float | None = None
        self._ready = False

    def watch(self) -> AsyncGenerator[JobEvent, None]:
        return self._studio.watch(self._job.id)

    def is_final(self, event: JobEvent) -> bool:
        return not event.state.waiting

    def edit_interval(self, event: JobEvent | None) -> float:
        return edit_interval(event)

    async def worth_a_dm(self, event: JobEvent) -> bool:
        return self._nonce is not None and event.state is not JobState.CANCELLED

    async def set_message_ref(self, message_ref: MessageRef) -> None:
        await self._studio.set_message_ref(self._job.id, message_ref.to_json())

    def ping(self) -> Ping | None:
        if not self._ready or self._job.delivered:
            return None
        sentence = PICTURE_READY if self._job.recipe.count == 1 else PICTURES_READY
        job = self._job
        return Ping(int(job.owner), job.created_at, sentence, f"ping-{job.id}")

    async def mark_delivered(self) -> None:
        await self._studio.mark_delivered(self._job.id)

    async def render_progress(
        self, event: JobEvent, message_ref: MessageRef
    ) -> tuple[Card, Sequence[Upload]]:
        self._ready_at = steady_ready_at(event, self._ready_at)
        if message_ref.seconds_to_expiry_notice == 0.0:
            return expiring_card(self._job, event.state), ()
        event, spoilered = await self._without_hidden_preview(event, message_ref)
        card = waiting_card(self._job, event, self._ready_at, message_ref.editable_until)
        uploads = (Upload(PREVIEW, event.preview),) if event.preview else ()
        return replace(card, spoilered=spoilered), uploads

    async def _without_hidden_preview(
        self, event: JobEvent, message_ref: MessageRef
    ) -> tuple[JobEvent, frozenset[int]]:
        """The event, without a preview that may not be shown, and its spoilered pictures."""
        if event.preview is None:
            return event, frozenset()
        exposure = await preview_exposure(self._bot, message_ref)
        if exposure.withheld:
            return replace(event, preview=None), frozenset()
        return event, exposure.spoilered

    async def show_outcome(self, event: JobEvent, message_ref: MessageRef) -> MessageRef:
        job = self._job
        if event.state is JobState.CANCELLED:
            # A cancelled job isn't worth a DM.
            nonce = None if message_ref.token_only else self._nonce
            return await self._updater.deliver(self, message_ref, cancelled_card(job), nonce=nonce)
        if event.state is JobState.FAILED:
            sentence = (
                in_markdown(event.error) if event.error else say("The picture couldn't be painted.")
            )
            return await self._deliver(message_ref, failed_card(job, sentence))
        exposure = await exposure_in_channel(self._bot, job, message_ref)
        if exposure.withheld:
            return await self._deliver(message_ref, withheld_card(job))
        painted_along = await control_map(self._bot, job, message_ref, exposure)
        limit = message_ref.upload_limit
        try:
            async with aclosing(_encoded(event.pictures, painted_along, limit)) as levels:
                async for uploads, fitted in levels:
                    try:
                        return await self._deliver_pictures(message_ref, uploads, fitted, exposure)
                    except TooLarge:
                        log.info("Job %d: too large for its channel, trying smaller files", job.id)
            sentence = say(
                "The pictures are too large for this channel. The bot's owner has them on disk."
            )
        except Unreadable as error:
            log.error("Job %d: its pictures can't be read: %s", job.id, error)
            sentence = say("The picture files no longer exist.")
        except Rejected as error:
            log.error("Job %d: Discord rejected its pictures: %s", job.id, error)
            sentence = say("Discord rejected the pictures. The bot's owner has them on disk.")
        return await self._deliver(message_ref, failed_card(job, sentence))

    async def _deliver_pictures(
        self,
        message_ref: MessageRef,
        uploads: tuple[Upload, ...],
        fitted: FittedMap | None,
        exposure: Exposure,
    ) -> MessageRef:
        names = [upload.name for upload in uploads]
        link = await parent_link(self._studio, self._job)
        card = replace(
            result_card(self._job, names, link),
            spoilered=exposure.spoilered,
            editable=some_model_edits(self._studio.models),
        )
        if fitted is not None:
            card, uploads = replace(card, control_map=fitted.shown), (*uploads, fitted.upload)
        message_ref = await self._deliver(message_ref, card, uploads)
        self._ready = True
        return message_ref

    async def _deliver(
        self, message_ref: MessageRef, card: Card, uploads: Sequence[Upload] = ()
    ) -> MessageRef:
        return await self._updater.deliver(self, message_ref, card, uploads, nonce=self._nonce)


async def parent_link(studio: Studio, job: Job) -> str:
    """“from picture 2 of job 7”, linked if that message can be opened; empty without a parent."""
    if job.parent is None:
        return ""
    text = say(
        "from picture {picture} of job {job}",
        picture=job.parent.number + 1,
        job=job.parent.job_id,
    )
    try:
        message_ref = MessageRef.from_json((await studio.job(job.parent.job_id)).message_ref)
    except UnknownJob:
        return text
    may_link = not message_ref.private or MessageRef.from_json(job.message_ref).private
    url = jump_url(message_ref) if may_link else None
    return f"[{text}]({url})" if url else text


async def _encoded(
    files: Sequence[Path], painted_along: ControlMap | None, limit: int
) -> AsyncGenerator[tuple[tuple[Upload, ...], FittedMap | None], None]:
    """The encodings of the pictures, each made in a thread when it is needed.

    Each comes with the map if that fits beside them, and then without it.

    Raises:
        Unreadable: When a file is gone or damaged.
    """
    levels = encodings(files, limit)
    try:
        while (pictures := await asyncio.to_thread(next, levels, None)) is not None:
            room = limit - total_bytes(pictures)
            if painted_along and (fitted := await painted_along.fitted(room)):
                yield pictures, fitted
            yield pictures, None
    except OSError as error:
        raise Unreadable(str(error)) from error
