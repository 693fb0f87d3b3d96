"""The message of each training: sent, moved, redrawn, and kept up to date."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
import discord

from cogs.context import Client, Interaction
from cogs.message_ref import MessageRef
from cogs.messages.delivery import Rejected, TooLarge, Unreachable, delete_message, deliver
from cogs.messages.encodings import Upload
from cogs.messages.updater import MessageUpdater
from cogs.policy.contexts import is_user_install
from cogs.policy.privacy import reply_mode_of
from cogs.policy.trainers import seen_by_all
from cogs.requests.answers import message_ref_for
from cogs.requests.sending import card_sender
from cogs.train.cards import TrainingCard
from cogs.train.collecting import collecting_card, has_enough
from cogs.train.home import TrainingHome
from cogs.train.planning import TrainingPlans
from cogs.train.progress_cards import waiting_training_card
from cogs.train.tracked_training import TrackedTraining, outcome_card
from engine import Studio, Training, TrainingState, UnknownJob
from speech import use_language

log = logging.getLogger(__name__)


class TrainingMessages:
    """Sends the messages of trainings, and tracks them once they are started."""

    def __init__(self, bot: Client, studio: Studio, updater: MessageUpdater) -> None:
        self._bot = bot
        self._studio = studio
        self._updater = updater
        self._plans = TrainingPlans(studio)
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def track(self, training: Training) -> None:
        """Keep the message of a training that was started up to date until its outcome."""
        home = TrainingHome.of(training)
        tracked = TrackedTraining(self._bot, self._updater, training)
        self._updater.track(tracked, home.message_ref)

    async def resume(self) -> None:
        """Track every training whose outcome wasn't shown before the program ended."""
        for training in await self._studio.trainings.waiting_messages():
            try:
                delivered = TrainingHome.of(training).delivered
            except (TypeError, ValueError, AttributeError):
                log.error("The place of training %d can't be read: it isn't shown", training.id)
                continue
            if training.state is not TrainingState.COLLECTING and not delivered:
                self.track(training)

    async def close(self) -> None:
        """Find out nothing more about trainings."""
        await self._plans.close()

    async def place(self, interaction: Interaction, *, private: bool) -> MessageRef:
        """Where the message of a training will be that answers the interaction, now deferred.

        Raises:
            Refused: When the bot can't post there.
        """
        reply_mode = await reply_mode_of(interaction, private=private)
        message_ref = await message_ref_for(interaction, reply_mode)
        if not interaction.response.is_done():
            ephemeral = reply_mode.ephemeral or reply_mode.dm
            await interaction.response.defer(thinking=True, ephemeral=ephemeral)
        return message_ref

    async def send(
        self, interaction: Interaction, training: Training, message_ref: MessageRef
    ) -> None:
        """Answer the deferred interaction with the training's message, which it is from now on.

        Args:
            interaction: The interaction.
            training: The training.
            message_ref: What `place` has returned.
        """
        before = TrainingHome.of(training)
        send = card_sender(interaction, await reply_mode_of(interaction))
        with use_language(message_ref.language):
            card, uploads = await self._card(training, before)
            message_ref = await send(message_ref, replace(card, pictures={}))
        await self._store(training, before.at(message_ref))
        if uploads or training.state is not TrainingState.COLLECTING:
            await self.refresh(training.id)
        moved = before.message_ref.message_id not in (None, message_ref.message_id)
        if moved and not training.state.over:  # results stay where they are
            await delete_message(self._bot, before.message_ref)

    async def adopt(self, interaction: Interaction, training: Training) -> None:
        """Make the clicked message the training's, which the click's token can edit again.

        That takes a click which is answered by an edit of that message.
        """
        message = interaction.message
        if message is None or training.owner != str(interaction.user.id):
            return
        home = TrainingHome.of(training)
        token_only = message.flags.ephemeral or is_user_install(interaction)
        here = MessageRef.of(
            interaction,
            home.message_ref.language,
            private=home.message_ref.private,
            token_only=token_only,
        )
        await self._store(training, home.at(here.with_message(message.id)))

    async def change_home(self, training: Training, **changes: Any) -> None:
        """Store other values of a training's `TrainingHome`."""
        home = TrainingHome.of(await self._studio.trainings.get(training.id))
        await self._store(training, replace(home, **changes))

    async def _store(self, training: Training, home: TrainingHome) -> None:
        await self._studio.trainings.set_message(training.id, home.to_json())

    async def refresh(self, training_id: int) -> None:
        """Redraw the message of a training that collects; keep that of another up to date."""
        async with self._locks.setdefault(training_id, asyncio.Lock()):
            try:
                training = await self._studio.trainings.get(training_id)
            except UnknownJob:
                return
            home = TrainingHome.of(training)
            if training.state is not TrainingState.COLLECTING:
                self._plans.forget(training.id)
                self.track(training)
                return
            if has_enough(training):
                self._plans.find(training, partial(self.refresh, training.id))
            with use_language(home.message_ref.language):
                card, uploads = await self._card(training, home)
                await self._redraw(training, home.message_ref, card, uploads)

    async def _redraw(
        self,
        training: Training,
        message_ref: MessageRef,
        card: TrainingCard,
        uploads: Sequence[Upload],
    ) -> None:
        try:
            await deliver(self._bot, message_ref, card, uploads, nonce=None)
        except (Unreachable, Rejected, TooLarge, discord.HTTPException) as error:
            log.info("Training %d: its message can't be redrawn: %s", training.id, error)
        except (aiohttp.ClientError, OSError) as error:
            log.info("Training %d: its message wasn't redrawn: %s", training.id, error)

    async def _card(
        self, training: Training, home: TrainingHome
    ) -> tuple[TrainingCard, Sequence[Upload]]:
        """What its message shows now; the files of one that was started come a little later."""
        if training.state is TrainingState.COLLECTING:
            return await collecting_card(
                training,
                self._plans.lines(training),
                agreed=home.agreed,
                threads=seen_by_all(training) and self._bot.settings.conversation,
                thread=home.thread,
            )
        if training.state.over:
            return outcome_card(training, ()), ()
        async with aclosing(self._studio.trainings.watch(training.id)) as events:
            event = await anext(events)
        return waiting_training_card(event, None, {}), ()
