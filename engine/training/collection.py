"""Before a training starts: its pictures are collected and captioned."""

import asyncio
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from engine.errors import InvalidRequest
from engine.images.decoder import Decoder
from engine.jobs.context_loader import ContextLoader
from engine.jobs.request import ImageRequest
from engine.models.model import Model
from engine.safety.checker import SafetyChecker
from engine.store import TrainingTable
from engine.training.allowance import check_month, check_one
from engine.training.collecting import (
    check_new,
    check_room,
    checked_caption,
    look_over,
    require_picture,
)
from engine.training.dataset.reading import least
from engine.training.defaults import defaults_of
from engine.training.events import TrainingEvents
from engine.training.loras import TrainedLoras
from engine.training.preparation import TrainingPreparation
from engine.training.request import Kind
from engine.training.requests import checked_trigger
from engine.training.run_folder import RunFolder
from engine.training.scheduling import TrainingSchedule
from engine.training.settings import TrainingSettings
from engine.training.training import CollectedPicture, Training, TrainingState
from engine.writing.describer import Describer
from speech import say

LONGEST_IDLE = 7 * 24 * 3600.0
"""Seconds for which pictures are kept of which nothing is made, and to which nothing is added."""


class TrainingCollection:
    """Trainings that collect pictures. Whatever blocks runs on a thread or in a process."""

    def __init__(
        self,
        settings: TrainingSettings,
        table: TrainingTable,
        events: TrainingEvents,
        schedule: TrainingSchedule,
        preparation: TrainingPreparation,
        loras: TrainedLoras,
        contexts: ContextLoader,
        decoder: Decoder,
        safety: SafetyChecker,
        describer: Describer,
    ) -> None:
        """Take what is needed.

        Args:
            settings: What the owner allows.
            table: The stored trainings.
            events: What is shown of trainings.
            schedule: Runs them.
            preparation: Tells about the models to train on.
            loras: The LoRAs that were trained.
            contexts: Knows the words that scopes block.
            decoder: Decodes the pictures of strangers.
            safety: Looks at them.
            describer: Finds captions for them.
        """
        self._settings = settings
        self._table = table
        self._events = events
        self._schedule = schedule
        self._preparation = preparation
        self._loras = loras
        self._contexts = contexts
        self._decoder = decoder
        self._safety = safety
        self._describer = describer
        self._changing = schedule.lock

    def use(self, settings: TrainingSettings, grace: float) -> None:
        """Have the owner allow something else from now on; whether members can train stays.

        Args:
            settings: What is allowed.
            grace: Seconds that a training gets to come to a checkpoint at the end.
        """
        self._settings = self._schedule.settings = settings
        self._schedule.grace = grace
        self._preparation.command = settings.command

    @property
    def enabled(self) -> bool:
        """Whether members can train."""
        return self._settings.enabled

    async def new(
        self,
        *,
        owner: str,
        scope: str,
        message_ref: Any,
        name: str,
        model: str,
        kind: Kind,
        trigger: str,
        private: bool,
    ) -> Training:
        """Begin to collect pictures for a LoRA.

        Args:
            owner: Who asks.
            scope: Where, such as a server: others there can use the LoRA unless it is private.
            message_ref: Where its message is.
            name: Of the LoRA.
            model: Name of the model that it is trained on.
            kind: What is to be learnt.
            trigger: The words that it will answer to.
            private: Whether only its owner may use it.

        Raises:
            InvalidModel: When the name is taken, as far as the owner may know, or not valid.
            InvalidRequest: When training is turned off, can't be done on that model, or the scope
                doesn't allow the model or the words.
            UnknownModel: When there is no such model.
            ModelUnavailable: When the model isn't on this machine.
            LimitReached: When the owner collects for another one, or has started too many.
        """
        self.require_enabled()
        trigger = checked_trigger(trigger)
        known = self._preparation.model(model)
        await self.check_allowed(scope, owner, [name, trigger], known)
        base = await self._preparation.base(model)
        async with self._changing:
            await self._loras.check_name(name, scope, owner)
            await check_one(self._table, owner)
            await check_month(self._table, owner, self._settings.per_month)
            return await self._table.add(
                owner=owner,
                scope=scope,
                message_ref=message_ref,
                name=name,
                model=base.name,
                kind=kind,
                trigger=trigger,
                private=private,
            )

    async def add_picture(self, training_id: int, data: bytes, caption: str = "") -> Training:
        """Look at a picture, and keep it for the training.

        Raises:
            UnknownJob: When there is no such training.
            InvalidRequest: When it isn't a picture, is too small, looks like one that is there or
                isn't safe, there are too many, or the training was started; or the caption is too
                long or has a word that the scope doesn't allow.
            StorageError: When it can't be stored.
        """
        training = await self.collecting(training_id)
        check_room(training.pictures)
        caption = checked_caption(caption)
        await self.check_allowed(training.scope, training.owner, [caption])
        side = defaults_of(self._preparation.model(training.model)).side
        given = await self._decoder.run(look_over, data, least(side))
        check_new(training.pictures, given)
        if await self._safety.is_unsafe(given.small):
            raise InvalidRequest(say("This picture isn't safe for work, and can't be used."))
        async with self._changing:
            training = await self.collecting(training_id)
            check_room(training.pictures)
            check_new(training.pictures, given)
            number = max((picture.number for picture in training.pictures), default=0) + 1
            folder = RunFolder(training.folder)
            picture = CollectedPicture(
                number=number,
                file=folder.pictures / f"{number:04}.png",
                caption=caption,
                width=given.width,
                height=given.height,
                fingerprint=given.fingerprint,
            )
            await asyncio.to_thread(folder.write, picture.file, given.data)
            return self._events.show(await self._table.add_picture(training_id, picture))

    async def give_up_idle(self) -> list[Training]:
        """Give up trainings that nobody has given anything for a week; their pictures are deleted.

        Returns:
            Those that were given up now; their `error` says why.

        Raises:
            StorageError: When that can't be stored.
        """
        async with self._changing:
            idle = [
                training
                for training in await self._table.in_states(TrainingState.COLLECTING)
                if training.changed_at < time.time() - LONGEST_IDLE
            ]
            sentence = say("Nothing was added for a week, so its pictures were deleted.")
            return [await self._schedule.give_up(each, error=sentence) for each in idle]

    async def caption(self, training_id: int, number: int, text: str) -> Training:
        """Say what a picture shows; an empty text leaves it to the trigger word.

        Raises:
            UnknownJob: When there is no such training.
            InvalidRequest: When the text is too long or has a word that the scope doesn't allow,
                there is no such picture, or the training was started.
        """
        caption = checked_caption(text)
        training = await self.collecting(training_id)
        await self.check_allowed(training.scope, training.owner, [caption])
        async with self._changing:
            training = await self.collecting(training_id)
            require_picture(training.pictures, number)
            return self._events.show(await self._table.set_caption(training_id, number, caption))

    async def remove_picture(self, training_id: int, number: int) -> Training:
        """Take a picture out. Raises as `caption` does."""
        async with self._changing:
            training = await self.collecting(training_id)
            picture = require_picture(training.pictures, number)
            training = await self._table.remove_pictures(training_id, number)
            await asyncio.to_thread(picture.file.unlink, missing_ok=True)
            return self._events.show(training)

    async def propose_captions(self, training_id: int) -> Training:
        """Have pictures without a caption described, if there is a model that can.

        The trigger word stands for those that aren't. This may take minutes; each caption is
        stored and shown as it comes.

        Raises:
            UnknownJob: When there is no such training.
            InvalidRequest: When the training was started.
            LimitReached: When its owner has to wait.
            QueueFull: When too many people wait.
            ModelUnavailable: When the model can't be had or loaded.
        """
        training = await self.collecting(training_id)
        if not self._describer.enabled:
            return training
        for picture in training.pictures:
            if await self._has_caption(training_id, picture.number):
                continue
            read = partial(asyncio.to_thread, picture.file.read_bytes)
            try:
                text, *_ = await self._describer.describe(read, training.owner)
                if not await self._has_caption(training_id, picture.number):
                    await self.caption(training_id, picture.number, text)
            except (FileNotFoundError, InvalidRequest):
                await self.collecting(training_id)  # it was removed, or there are no words for it
        return await self._table.get(training_id)

    async def _has_caption(self, training_id: int, number: int) -> bool:
        """Whether a picture has a caption by now."""
        found = await self._table.get(training_id)
        return any(each.number == number and each.caption for each in found.pictures)

    def require_enabled(self) -> None:
        if not self.enabled:
            raise InvalidRequest(say("Training LoRAs is turned off here."))

    async def check_allowed(
        self, scope: str, owner: str, texts: Iterable[str], model: Model | None = None
    ) -> None:
        """Raise `InvalidRequest` when the scope doesn't allow one of the texts, or the model.

        Nobody reviews what is trained, so words that have to be reviewed aren't allowed, either.
        """
        context = await self._contexts.load(scope, scope, owner)
        if model is not None:
            context.models.check(model)
        requests = [ImageRequest(prompt=text) for text in texts]
        await context.words.check(*requests)
        if await context.words.to_review(*requests):
            raise InvalidRequest(
                say(
                    "Your text contains a word that a moderator of this server must review, which "
                    "isn't possible for trainings. Use other words."
                )
            )

    async def collecting(self, training_id: int) -> Training:
        """The training, if pictures can still be changed. Raises `InvalidRequest`."""
        training = await self._table.get(training_id)
        if training.state is not TrainingState.COLLECTING:
            raise InvalidRequest(
                say(
                    "“{name}” was started or cancelled: its pictures can't be changed any more.",
                    name=training.name,
                )
            )
        return training
