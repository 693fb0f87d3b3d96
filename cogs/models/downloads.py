"""Downloads pending models, and keeps their messages up to date."""

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import discord

from cogs.context import Client, Interaction
from cogs.markdown import in_markdown
from cogs.message_ref import MessageRef
from cogs.messages.delivery import Rejected, TooLarge, Unreachable, deliver
from cogs.messages.looks import GREY
from cogs.messages.replies import reply, sentence_for
from cogs.messages.throttle import MESSAGE_INTERVAL, EditThrottle
from cogs.messages.updater import TRANSIENT_ERRORS, retry_forever
from cogs.models.cards import (
    DownloadCard,
    added_card,
    dismissed_card,
    downloading_card,
    failed_download_card,
    interrupted_card,
    stopped_card,
)
from cogs.models.lora_text import lora_candidate_text
from cogs.models.pending_models import PendingModel, PendingModels
from cogs.models.speed import SpeedMeter
from cogs.models.text import candidate_text
from cogs.policy.access import Refused
from engine import (
    AdapterCandidate,
    AtelierError,
    DownloadProgress,
    ModelCandidate,
    Studio,
    Tasks,
    without_folders,
)
from speech import say, set_language

log = logging.getLogger(__name__)

POLL_INTERVAL = 0.2
"""Seconds between two checks whether there is progress to show."""


class ActiveDownload(NamedTuple):
    """The task of a download, and the one that keeps its message up to date."""

    download: "asyncio.Task[None]"
    updater: "asyncio.Task[None]"


class ModelDownloads:
    """Proposes, downloads and dismisses pending models."""

    def __init__(self, bot: Client, studio: Studio, throttle: EditThrottle) -> None:
        self._bot = bot
        self._studio = studio
        self._throttle = throttle
        self._pending = PendingModels(studio)
        self._tasks = Tasks()
        self._active: dict[int, ActiveDownload] = {}

    async def propose(self, interaction: Interaction, pending: PendingModel) -> None:
        """Inspect the source, and show what it is with a button to add it.

        Raises:
            AtelierError: When it can't be added; the text is for the user.
        """
        await interaction.response.defer(thinking=True)
        candidate = await self._candidate(pending)
        pending = replace(pending, name=candidate.name)
        if candidate.settings.source.startswith("civitai:"):  # a page may have a newer one later
            pending = replace(pending, source=candidate.settings.source)
        verb = "download" if candidate.inspection.download_bytes else "add"
        set_language(pending.message_ref.language)
        text = (
            lora_candidate_text(candidate)
            if isinstance(candidate, AdapterCandidate)
            else candidate_text(candidate)
        )
        if not interaction.app_permissions.view_channel:
            note = say("I can't see this channel, so this message stops updating after 15 minutes.")
            text += f"\n-# {note}"
        card = DownloadCard(pending, GREY, text, (verb, "dismiss"))
        await self._pending.save(pending)
        await interaction.edit_original_response(
            view=card.view(), allowed_mentions=discord.AllowedMentions.none()
        )

    async def start(self, interaction: Interaction, number: int) -> None:
        """Start or resume the download of a pending model, unless it is running.

        Raises:
            Refused: When the pending model has expired.
        """
        pending = await self._get_pending(number)
        await interaction.response.defer()
        while (previous := self._active.get(number)) is not None:
            if not previous.download.done():
                return
            await asyncio.wait([previous.updater])  # it is still showing the outcome
        assert interaction.message is not None, "buttons are on messages"
        message_ref = MessageRef.of(interaction, pending.message_ref.language).with_message(
            interaction.message.id
        )
        pending = replace(pending, message_ref=message_ref, downloading=True)
        meter = SpeedMeter()
        download = asyncio.create_task(self._download(pending, meter))
        updater = self._tasks.start(self._track(pending, meter, download), f"download {number}")
        self._active[number] = ActiveDownload(download, updater)

    async def stop(self, interaction: Interaction, number: int) -> None:
        """Stop the download; its updater then changes the message."""
        await interaction.response.defer()
        active = self._active.get(number)
        if active is None or not active.download.cancel():
            await reply(interaction, say("This download has already ended."))

    async def dismiss(self, interaction: Interaction, number: int) -> None:
        """Drop the pending model."""
        pending = await self._get_pending(number)
        await self._pending.drop(number)
        set_language(pending.message_ref.language)
        await interaction.response.edit_message(view=dismissed_card(pending).view())

    async def resume(self) -> None:
        """Show the outcome of every download that the program's end interrupted."""
        for pending in (await self._pending.all()).values():
            if pending.downloading:
                self._tasks.start(
                    self._report_interrupted(pending), f"interrupted download {pending.number}"
                )

    async def close(self) -> None:
        """Stop all downloads; their messages are updated at the next start."""
        await self._tasks.cancel()

    async def _get_pending(self, number: int) -> PendingModel:
        if (pending := await self._pending.get(number)) is None:
            raise Refused(say("This has expired. Run the command that asked for it again."))
        return pending

    async def _candidate(self, pending: PendingModel) -> ModelCandidate | AdapterCandidate:
        manager = self._studio.adapter_manager if pending.lora else self._studio.model_manager
        return await manager.candidate(pending.source, **pending.source_options)

    async def _download(self, pending: PendingModel, meter: SpeedMeter) -> None:
        await self._pending.save(pending)
        candidate = await self._candidate(pending)

        def update(progress: DownloadProgress) -> None:
            meter.update(progress.done, progress.total, progress.file)

        if isinstance(candidate, AdapterCandidate):
            await self._studio.adapter_manager.add(candidate, update)
        else:
            await self._studio.model_manager.add(candidate, update)

    async def _track(
        self, pending: PendingModel, meter: SpeedMeter, download: "asyncio.Task[None]"
    ) -> None:
        """Show the download's progress, then its outcome."""
        set_language(pending.message_ref.language)
        try:
            pending = await self._show_progress(pending, meter, download)
            try:
                download.result()
                card = added_card(pending)
            except asyncio.CancelledError:
                card = stopped_card(pending, meter)
            except AtelierError as error:
                sentence = in_markdown(without_folders(error.sentence))
                card = failed_download_card(pending, sentence)
            except Exception as error:
                card = failed_download_card(pending, sentence_for(error))
            await self._finish(pending, card)
        finally:
            download.cancel()
            await asyncio.wait([download])
            del self._active[pending.number]

    async def _report_interrupted(self, pending: PendingModel) -> None:
        """Show the outcome of an interrupted download; the model may have been added after all."""
        set_language(pending.message_ref.language)
        known = self._studio.adapters if pending.lora else self._studio.models
        added = pending.name is not None and pending.name in known
        await self._finish(pending, added_card(pending) if added else interrupted_card(pending))

    async def _show_progress(
        self, pending: PendingModel, meter: SpeedMeter, download: "asyncio.Task[None]"
    ) -> PendingModel:
        """Edit the message until the download ends.

        Returns:
            The pending model, with the place where its message is now.
        """
        shown: DownloadCard | None = None
        channel, key = pending.message_ref.channel_id, pending.number
        while True:
            wait = self._throttle.wait(channel, key, MESSAGE_INTERVAL)
            await asyncio.wait([download], timeout=max(wait, POLL_INTERVAL))
            if download.done():
                return pending
            card = downloading_card(pending, meter)
            if card == shown or not self._throttle.try_acquire(channel, key, MESSAGE_INTERVAL):
                continue
            shown = card
            try:
                message_ref = await deliver(self._bot, pending.message_ref, card, [], nonce=None)
                pending = replace(pending, message_ref=message_ref)
            except (Unreachable, Rejected) as error:
                log.debug("Download %d: progress can't be shown: %s", pending.number, error)
                await asyncio.wait([download])
            except (TooLarge, *TRANSIENT_ERRORS) as error:
                log.debug("Download %d: progress wasn't shown: %s", pending.number, error)

    async def _finish(self, pending: PendingModel, card: DownloadCard) -> None:
        """Show the outcome, however long Discord fails, and store that it was shown."""
        show = partial(deliver, self._bot, pending.message_ref, card, [], nonce=None)
        try:
            await retry_forever(show, f"download-{pending.number}")
        except (Unreachable, Rejected, TooLarge) as error:
            log.warning("Download %d: the outcome can't be shown: %s", pending.number, error)
        if card.buttons:
            await self._pending.save(replace(pending, downloading=False))
        else:
            await self._pending.drop(pending.number)
