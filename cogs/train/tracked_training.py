"""A training whose message is kept up to date: its progress, then its outcome."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from cogs.context import Client
from cogs.message_ref import MessageRef
from cogs.messages.cards import steady_ready_at
from cogs.messages.delivery import Rejected, TooLarge
from cogs.messages.encodings import Upload, encodings
from cogs.messages.pings import Ping
from cogs.messages.updater import MessageUpdater, TrackedMessage
from cogs.policy.nsfw import Exposure, preview_exposure
from cogs.train.cards import TrainingCard
from cogs.train.home import TrainingHome
from cogs.train.progress_cards import (
    expiring_training_card,
    finished_training_card,
    unfinished_training_card,
    waiting_training_card,
)
from engine import JobEvent, JobState, Training, TrainingEvent, TrainingState, recoded
from speech import phrase, say

log = logging.getLogger(__name__)

FIRST_KEY = 1 << 62
"""The keys of trainings begin here; those of jobs and grids are nearer to 0."""

INTERVAL = 5.0
"""Seconds between two edits of a training's message."""

PICTURES_INTERVAL = 60.0
"""Seconds after which a new plot is uploaded; the first one and new samples are at once."""

SHEET_QUALITY = 85
"""Of sheets of samples while it trains, in WebP: they are uploaded often."""

READY = phrase("{owner}, your LoRA is ready.")
FAILED = phrase("{owner}, your training couldn't go on.")


class TrackedTraining(TrackedMessage[TrainingEvent]):
    """A training whose message is kept up to date."""

    def __init__(self, bot: Client, updater: MessageUpdater, training: Training) -> None:
        self.key = FIRST_KEY + training.id
        self.name = f"training-{training.id}"
        self._bot = bot
        self._updater = updater
        self._trainings = bot.studio.trainings
        self._training = training
        self._delivered = TrainingHome.of(training).delivered
        self._ready_at: float | None = None
        self._files = _Files()
        self._outcome: str | None = None

    def watch(self) -> AsyncGenerator[TrainingEvent, None]:
        return self._trainings.watch(self._training.id)

    def is_final(self, event: TrainingEvent) -> bool:
        return event.training.state.over

    def edit_interval(self, event: TrainingEvent | None) -> float:
        return INTERVAL

    async def worth_a_dm(self, event: TrainingEvent) -> bool:
        return not self._delivered and _is_news(event.training)

    async def set_message_ref(self, message_ref: MessageRef) -> None:
        home = TrainingHome.of(await self._trainings.get(self._training.id))
        await self._trainings.set_message(self._training.id, home.at(message_ref).to_json())

    def ping(self) -> Ping | None:
        if self._outcome is None:
            return None
        training = self._training
        begun = training.started_at or training.created_at
        return Ping(int(training.owner), begun, self._outcome, f"ping-training-{training.id}")

    async def mark_delivered(self) -> None:
        home = TrainingHome.of(await self._trainings.get(self._training.id))
        await self._trainings.set_message(
            self._training.id, replace(home, delivered=True).to_json()
        )

    async def render_progress(
        self, event: TrainingEvent, message_ref: MessageRef
    ) -> tuple[TrainingCard, Sequence[Upload]]:
        if message_ref.seconds_to_expiry_notice == 0.0:
            return expiring_training_card(event.training), ()
        left = JobEvent(job_id=0, state=JobState.RUNNING, seconds_left=event.seconds_left)
        self._ready_at = steady_ready_at(left, self._ready_at)
        exposure = await preview_exposure(self._bot, message_ref, event.verdict)
        samples = None if exposure.withheld else event.samples
        uploads = await asyncio.to_thread(self._files.newest, event.plot, samples)
        card = waiting_training_card(event, self._ready_at, alternative_texts(uploads))
        return replace(card, spoilered=_hidden(uploads, exposure)), uploads

    async def show_outcome(self, event: TrainingEvent, message_ref: MessageRef) -> MessageRef:
        training = event.training
        exposure = await preview_exposure(self._bot, message_ref, event.verdict)
        limit = message_ref.upload_limit
        sheet = event.samples if training.state is TrainingState.FINISHED else None
        if sheet is not None and not exposure.withheld:
            async with aclosing(_encoded(sheet, limit)) as levels:
                async for uploads in levels:
                    try:
                        return await self._deliver(message_ref, training, uploads, exposure)
                    except (TooLarge, Rejected) as error:
                        log.info("%s: its samples can't be shown: %s", self.name, error)
        return await self._deliver(message_ref, training, (), exposure)

    async def _deliver(
        self,
        message_ref: MessageRef,
        training: Training,
        uploads: Sequence[Upload],
        exposure: Exposure,
    ) -> MessageRef:
        card = replace(outcome_card(training, uploads), spoilered=_hidden(uploads, exposure))
        unwanted = message_ref.token_only and not _is_news(training)
        nonce = None if self._delivered or unwanted else f"atelier-train-{training.id}"
        message_ref = await self._updater.deliver(self, message_ref, card, uploads, nonce=nonce)
        if not self._delivered and _is_news(training):
            self._outcome = READY if training.state is TrainingState.FINISHED else FAILED
        return message_ref


def _is_news(training: Training) -> bool:
    """Whether its owner doesn't know how it has ended: they didn't cancel it themselves."""
    return training.state is not TrainingState.CANCELLED or training.error is not None


def outcome_card(training: Training, uploads: Sequence[Upload]) -> TrainingCard:
    """The card of a training that is over."""
    if training.state is not TrainingState.FINISHED:
        return unfinished_training_card(training)
    shareable = training.private and training.scope.startswith("guild:")
    return finished_training_card(training, alternative_texts(uploads), shareable=shareable)


def alternative_texts(uploads: Sequence[Upload]) -> Mapping[str, str]:
    """What the plot and the samples show, by file name."""
    return {
        upload.name: say("Loss by step")
        if upload.name.startswith("loss")
        else say("Samples, a row for each time that they were painted")
        for upload in uploads
    }


def _hidden(uploads: Sequence[Upload], exposure: Exposure) -> frozenset[str]:
    """The names of samples, where unchecked pictures are hidden as spoilers."""
    names = {upload.name for upload in uploads if not upload.name.startswith("loss")}
    return frozenset(names if exposure.spoilered else ())


class _Files:
    """The newest plot and samples as uploads, which stay the same for a while."""

    def __init__(self) -> None:
        self._uploads: tuple[Upload, ...] = ()
        self._seen: tuple[Path | None, Path | None, int] | None = None
        self._read_at = 0.0

    def newest(self, plot: Path | None, samples: Path | None) -> tuple[Upload, ...]:
        """The uploads: read again when there are other samples, or after a while. Blocks."""
        seen = plot, samples, _changed_at(samples)
        if seen == self._seen and time.monotonic() - self._read_at < PICTURES_INTERVAL:
            return self._uploads
        found = []
        if plot is not None and (data := _read(plot, None)):
            found.append(Upload("loss.png", data))
        if samples is not None and (data := _read(samples, SHEET_QUALITY)):
            found.append(Upload("samples.webp", data))
        self._seen, self._read_at, self._uploads = seen, time.monotonic(), tuple(found)
        return self._uploads


def _changed_at(file: Path | None) -> int:
    try:
        return file.stat().st_mtime_ns if file else 0
    except OSError:
        return 0


def _read(file: Path, quality: int | None) -> bytes | None:
    """A picture as WebP of that quality, or as it is; `None` if it is gone or damaged."""
    try:
        return file.read_bytes() if quality is None else recoded(file, "WEBP", quality)
    except (OSError, SyntaxError):
        return None


async def _encoded(file: Path, limit: int) -> AsyncGenerator[Sequence[Upload], None]:
    """A picture in ever smaller encodings of at most `limit` bytes, each made in a thread."""
    levels = encodings([file], limit)
    try:
        while (uploads := await asyncio.to_thread(next, levels, None)) is not None:
            yield uploads
    except (OSError, SyntaxError) as error:
        log.warning("%s can't be shown: %s", file, error)
