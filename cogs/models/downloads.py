"""Downloads: brings models here, and keeps the message of each order true meanwhile."""

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import discord

from cogs.context import Client, Interaction
from cogs.message_ref import MessageRef
from cogs.messages.delivery import Rejected, TooLarge, Unreachable, deliver
from cogs.messages.replies import reply, sentence_for
from cogs.messages.throttle import MESSAGE_INTERVAL, EditThrottle
from cogs.messages.updater import TRANSIENT_ERRORS, retry_forever
from cogs.models.cards import (
    ASKING,
    DownloadCard,
    added_card,
    coming_card,
    dismissed_card,
    failed_card,
    interrupted_card,
    stopped_card,
)
from cogs.models.pending_models import PendingModel, PendingModels
from cogs.models.speed import SpeedMeter
from cogs.models.text import offer_text
from cogs.policy.access import Refused
from engine import Model, Studio, Tasks
from speech import say, speak

log = logging.getLogger(__name__)

GLANCE = 0.2
"""Seconds between two looks at whether there is something new to show."""


class ActiveDownload(NamedTuple):
    """A download and what keeps its message true."""

    work: "asyncio.Task[Model]"
    follower: "asyncio.Task[None]"


class ModelDownloads:
    """Takes orders, and follows those that are underway in the background."""

    def __init__(self, bot: Client, studio: Studio, throttle: EditThrottle) -> None:
        self._bot = bot
        self._studio = studio
        self._throttle = throttle
        self._orders = PendingModels(studio)
        self._tasks = Tasks()
        self._underway: dict[int, ActiveDownload] = {}

    async def offer(self, interaction: Interaction, order: PendingModel) -> None:
        """Look at what was asked for, and show what it is with a button to have it.

        Raises:
            AtelierError: When it is nothing that can be had; the text is for the person.
        """
        await interaction.response.defer(thinking=True)
        prospect = await self._studio.model_manager.look(order.source, **order.where)
        order = replace(order, name=prospect.name)
        verb = "download" if prospect.inspection.download_bytes else "add"
        speak(order.message_ref.language)
        text = offer_text(prospect)
        if not interaction.app_permissions.view_channel:
            blind = say(
                "I can't see this channel, so this message stops updating after 15 minutes."
            )
            text += f"\n-# {blind}"
        card = DownloadCard(order, ASKING, text, (verb, "dismiss"))
        await self._orders.save(order)
        await interaction.edit_original_response(
            view=card.view(), allowed_mentions=discord.AllowedMentions.none()
        )

    async def start(self, interaction: Interaction, number: int) -> None:
        """Bring the model of that order, or go on with it; a second click changes nothing.

        Raises:
            Refused: When the order is not kept any more.
        """
        order = await self._order(number)
        await interaction.response.defer()
        while (before := self._underway.get(number)) is not None:
            if not before.work.done():
                return
            await asyncio.wait([before.follower])  # its end is being shown or written down
        assert interaction.message is not None, "buttons are on messages"
        message_ref = MessageRef.of(interaction, order.message_ref.language).with_message(
            interaction.message.id
        )
        order = replace(order, message_ref=message_ref, underway=True)
        meter = SpeedMeter()
        work = asyncio.create_task(self._bring(order, meter))
        follower = self._tasks.start(self._follow(order, meter, work), f"follow order {number}")
        self._underway[number] = ActiveDownload(work, follower)

    async def stop(self, interaction: Interaction, number: int) -> None:
        """Stop bringing it; the message says so by itself."""
        await interaction.response.defer()
        underway = self._underway.get(number)
        if underway is None or not underway.work.cancel():
            await reply(interaction, say("This download has already ended."))

    async def dismiss(self, interaction: Interaction, number: int) -> None:
        """Forget the order."""
        order = await self._order(number)
        await self._orders.drop(number)
        speak(order.message_ref.language)
        await interaction.response.edit_message(view=dismissed_card(order).view())

    async def resume(self) -> None:
        """Say of every download that the end of the program has cut off that it was."""
        for order in (await self._orders.all()).values():
            if order.underway:
                self._tasks.start(self._tell(order), f"tell of order {order.number}")

    async def close(self) -> None:
        """Stop bringing models; their messages tell of it at the next start."""
        await self._tasks.cancel()

    async def _order(self, number: int) -> PendingModel:
        if (order := await self._orders.get(number)) is None:
            raise Refused(say("This has expired. Run `/model add` again."))
        return order

    async def _bring(self, order: PendingModel, meter: SpeedMeter) -> Model:
        await self._orders.save(order)
        prospect = await self._studio.model_manager.look(order.source, **order.where)
        return await self._studio.model_manager.add(
            prospect, lambda news: meter.note(news.done, news.total, news.file)
        )

    async def _follow(
        self, order: PendingModel, meter: SpeedMeter, work: "asyncio.Task[Model]"
    ) -> None:
        """Show how the download goes, then how it ended."""
        speak(order.message_ref.language)
        try:
            order = await self._show_progress(order, meter, work)
            try:
                work.result()
                card = added_card(order)
            except asyncio.CancelledError:
                card = stopped_card(order, meter)
            except Exception as error:
                card = failed_card(order, sentence_for(error))
            await self._settle(order, card)
        finally:
            work.cancel()
            await asyncio.wait([work])
            del self._underway[order.number]

    async def _tell(self, order: PendingModel) -> None:
        """Show how a download ended of which the program did not see the end."""
        speak(order.message_ref.language)
        there = order.name is not None and order.name in self._studio.models
        await self._settle(order, added_card(order) if there else interrupted_card(order))

    async def _show_progress(
        self, order: PendingModel, meter: SpeedMeter, work: "asyncio.Task[Model]"
    ) -> PendingModel:
        """Edit the message until the work is over; the order, with where its message is now."""
        shown: DownloadCard | None = None
        channel, key = order.message_ref.channel_id, order.number
        while True:
            wait = self._throttle.wait(channel, key, MESSAGE_INTERVAL)
            await asyncio.wait([work], timeout=max(wait, GLANCE))
            if work.done():
                return order
            card = coming_card(order, meter)
            if card == shown or not self._throttle.try_acquire(channel, key, MESSAGE_INTERVAL):
                continue
            shown = card
            try:
                message_ref = await deliver(self._bot, order.message_ref, card, [], nonce=None)
                order = replace(order, message_ref=message_ref)
            except (Unreachable, Rejected) as error:
                log.debug("Order %d: progress cannot be shown: %s", order.number, error)
                await asyncio.wait([work])
            except (TooLarge, *TRANSIENT_ERRORS) as error:
                log.debug("Order %d: progress is not shown: %s", order.number, error)

    async def _settle(self, order: PendingModel, card: DownloadCard) -> None:
        """Show how it ended, however long Discord fails, and write that down."""
        show = partial(deliver, self._bot, order.message_ref, card, [], nonce=None)
        try:
            await retry_forever(show, f"order-{order.number}")
        except (Unreachable, Rejected, TooLarge) as error:
            log.warning("Order %d: its end cannot be shown: %s", order.number, error)
        if card.buttons:
            await self._orders.save(replace(order, underway=False))
        else:
            await self._orders.drop(order.number)
