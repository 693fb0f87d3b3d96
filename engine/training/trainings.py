"""Trainings of members: pictures are collected, a LoRA is trained beside painting, and used."""

import asyncio
import shutil
import time
from collections.abc import AsyncGenerator
from dataclasses import fields, replace
from typing import Any

from engine.errors import InvalidRequest
from engine.training.allowance import MONTH, check_month
from engine.training.collecting import check_enough
from engine.training.collection import TrainingCollection
from engine.training.plan import TrainingPlan
from engine.training.requests import request_of, write_dataset
from engine.training.run_folder import RunFolder
from engine.training.running import Ending, if_there
from engine.training.scheduling import PAUSE_SECONDS
from engine.training.training import UNDER_WAY, Training, TrainingEvent, TrainingState
from speech import say

LATELY = 7 * 24 * 3600.0
"""Seconds."""


class Trainings(TrainingCollection):
    """The trainings of all members. Whatever blocks runs on a thread or in a process."""

    async def plan(self, training_id: int, **changes: Any) -> TrainingPlan:
        """What a training takes on this device. It is computed in a process, for seconds.

        Args:
            training_id: Which.
            **changes: As of `start`, while it collects pictures.

        Raises:
            UnknownJob: When there is no such training.
            UnknownModel: When its model is gone.
            ModelUnavailable: When its model's files are gone or damaged.
            DeviceUnavailable: When the device can't be asked.
            InvalidRequest: When a value isn't allowed.
        """
        training = await self._table.get(training_id)
        if training.request is not None:
            everything = (field.name for field in fields(training.request))
            return await self._preparation.plan(training, training.request, everything)
        model = self._preparation.model(training.model)
        request = request_of(training, model, self._settings.max_steps, changes)
        return await self._preparation.plan(training, request, changes)

    async def start(self, training_id: int, **changes: Any) -> Training:
        """Queue a training: it runs as soon as it may, in the fastest way that fits.

        Its pictures can't be changed any more. It is planned first, which takes seconds.

        Args:
            training_id: Which.
            **changes: Attributes of its request that aren't to be as usual.

        Raises:
            UnknownJob: When there is no such training.
            UnknownModel: When its model is gone.
            ModelUnavailable: When its model's files are gone.
            DeviceUnavailable: When the device can't be asked.
            InvalidRequest: When there are too few pictures, it was started, a value isn't allowed,
                its scope doesn't allow its model or its words, or it doesn't fit on the device.
            LimitReached: When its owner has started too many.
            StorageError: When it can't be stored.
        """
        self.require_enabled()
        training = await self.collecting(training_id)
        check_enough(training.pictures)
        model = await self._preparation.base(training.model)
        plan = await self.plan(training_id, **changes)
        if plan.problem is not None:
            raise InvalidRequest(plan.problem)
        async with self._changing:
            training = await self.collecting(training_id)
            check_enough(training.pictures)
            usual = request_of(training, model, self._settings.max_steps, changes)
            request = replace(plan.request, sample_prompts=usual.sample_prompts)
            texts = [request.class_prompt, *request.sample_prompts]
            texts += [picture.caption for picture in training.pictures]
            await self.check_allowed(training.scope, training.owner, texts, model)
            await check_month(self._table, training.owner, self._settings.per_month)
            await asyncio.to_thread(write_dataset, training, request)
            training = await self._schedule.set(
                training, state=TrainingState.WAITING, request=request, started_at=time.time()
            )
        self._schedule.wake()
        return training

    async def pause(self, training_id: int) -> Training:
        """Stop at a checkpoint until `resume`; a running one takes a moment (see `watch`).

        Raises:
            UnknownJob: When there is no such training.
            InvalidRequest: When it wasn't started, or is over.
        """
        async with self._changing:
            training = await self._started(training_id)
            if (run := self._schedule.running(training_id)) is not None:
                run.end(Ending.BY_HAND, PAUSE_SECONDS)
                return training
            return await self._schedule.set(training, state=TrainingState.PAUSED, goes_on=False)

    async def resume(self, training_id: int) -> Training:
        """Go on with a paused or failed training when its turn comes.

        Raises:
            UnknownJob: When there is no such training.
            InvalidRequest: When it wasn't started, is finished or was cancelled, or stops just now.
        """
        self.require_enabled()
        async with self._changing:
            training = await self._started(training_id, TrainingState.FAILED)
            if (run := self._schedule.running(training_id)) is not None:
                if run.ending is Ending.BY_HAND:
                    raise _stopping(training)
                return training
            if not training.waiting_for_painting:
                training = await self._schedule.set(
                    training,
                    state=TrainingState.WAITING,
                    attempts=0,
                    error=None,
                    finished_at=None,
                )
        self._schedule.wake()
        return training

    async def finish(self, training_id: int) -> Training:
        """End a training now, with its LoRA as it is; that takes a moment (see `watch`).

        Raises:
            UnknownJob: When there is no such training.
            InvalidRequest: When it has done no step yet, stops just now, or is over.
        """
        async with self._changing:
            training = await self._started(training_id)
            run = self._schedule.running(training_id)
            step = run.step if run is not None else training.step
            if not step:
                raise InvalidRequest(
                    say("“{name}” has learnt nothing yet. Cancel it instead.", name=training.name)
                )
            if run is not None:
                if run.ending is not None:
                    raise _stopping(training)
                run.finish()
                return training
            assert training.request is not None, "it was started"
            request = replace(training.request, steps=training.step)
            training = await self._schedule.set(
                training, state=TrainingState.WAITING, request=request
            )
        self._schedule.wake()
        return training

    async def keep(self, training_id: int) -> Training:
        """Have the LoRA as it is now be one that can be used, and go on.

        It is called like the training, with the number of steps.

        Raises:
            UnknownJob: When there is no such training.
            InvalidRequest: When it doesn't run, or has done no step yet.
        """
        async with self._changing:
            training = await self._started(training_id)
            run = self._schedule.running(training_id)
            if run is None or not run.step or run.ending is not None:
                raise InvalidRequest(
                    say(
                        "“{name}” isn't being trained at the moment. Wait until it goes on.",
                        name=training.name,
                    )
                )
            run.keep()
            return training

    async def cancel(self, training_id: int) -> Training:
        """Give a training up: its pictures and checkpoints are deleted, what was kept stays.

        Raises:
            UnknownJob: When there is no such training.
            InvalidRequest: When it is finished, or was cancelled.
        """
        async with self._changing:
            training = await self._table.get(training_id)
            if training.state in (TrainingState.FINISHED, TrainingState.CANCELLED):
                raise _over(training)
            run = self._schedule.running(training_id)
            if run is None:
                return await self._schedule.give_up(training)
            run.end(Ending.CANCEL, 0)
        await run.recorded.wait()
        training = await self._table.get(training_id)
        if training.state is not TrainingState.CANCELLED:  # a full disk
            return await self.cancel(training_id)
        return training

    async def share(self, training_id: int) -> Training:
        """Let everybody of its scope use the LoRA of a private training.

        Raises:
            UnknownJob: When there is no such training.
            StorageError: When that can't be stored.
        """
        async with self._changing:
            training = await self._table.get(training_id)
            training = await self._schedule.set(training, private=False)
            await self._loras.share(training)
            return training

    async def get(self, training_id: int) -> Training:
        """The training of that number. Raises `UnknownJob`."""
        return await self._table.get(training_id)

    async def of_owner(self, owner: str) -> list[Training]:
        """Those that a person has asked for, newest first."""
        return await self._table.of_owner(owner)

    async def of_scope(self, scope: str) -> list[Training]:
        """Those that were asked for there and aren't private, newest first."""
        return [each for each in await self._table.of_scope(scope) if not each.private]

    async def waiting_messages(self) -> list[Training]:
        """Those whose messages may have to be updated from a start on, oldest first.

        Among them is what was over lately: its caller may not have shown that yet.
        """
        since = time.time() - LATELY
        return [
            each
            for each in await self._table.in_states(*TrainingState)
            if not each.state.over or (each.finished_at or 0.0) > since
        ]

    async def under_way(self) -> list[TrainingEvent]:
        """The news of those that were started and aren't over, oldest first."""
        return [self._events.latest(each) for each in await self._table.in_states(*UNDER_WAY)]

    async def set_message(self, training_id: int, message_ref: Any) -> None:
        """Update where its message is. Raises `UnknownJob`."""
        self._events.show(await self._table.set(training_id, message_ref=message_ref))

    async def watch(self, training_id: int) -> AsyncGenerator[TrainingEvent, None]:
        """Yield what is to be shown of a training, and then each change, until it is over.

        Slow watchers skip events: they always get the latest.

        Raises:
            UnknownJob: When there is no such training.
        """
        training = await self._table.get(training_id)
        folder = RunFolder(training.folder)
        first = TrainingEvent(
            training=training,
            samples=if_there(folder.sheet),
            verdict=folder.read_verdict(),
            plot=if_there(folder.plot),
        )
        async for event in self._events.watch(first):
            yield event

    async def remove(self, training_id: int) -> None:
        """Remove a training with its files and its LoRA.

        Raises:
            UnknownJob: When there is no such training.
            InvalidModel: When jobs need its LoRA.
            StorageError: When that can't be stored.
        """
        training = await self._table.get(training_id)
        await self._loras.require_unused(training)  # before anything is given up
        if training.state not in (TrainingState.FINISHED, TrainingState.CANCELLED):
            training = await self.cancel(training_id)
        async with self._changing:
            await self._loras.remove(training)
            await self._table.delete(training_id, time.time() - MONTH)
            await asyncio.to_thread(shutil.rmtree, training.folder, ignore_errors=True)

    def run(self) -> None:
        """Run what waits, and go on with what ran when the program ended, if members can train."""
        if self.enabled:
            self._schedule.start()

    async def stop(self) -> None:
        """Run no more, and end every `watch`; what runs goes on after the next start."""
        await self._schedule.stop()

    async def _started(self, training_id: int, *others: TrainingState) -> Training:
        """The training, if it was started and isn't over, or is in another of these states.

        Raises:
            InvalidRequest: When it isn't.
        """
        training = await self._table.get(training_id)
        if training.state is TrainingState.COLLECTING:
            raise InvalidRequest(say("“{name}” hasn't been started.", name=training.name))
        if training.state.over and training.state not in others:
            raise _over(training)
        return training


def _over(training: Training) -> InvalidRequest:
    return InvalidRequest(say("The training “{name}” is over.", name=training.name))


def _stopping(training: Training) -> InvalidRequest:
    return InvalidRequest(say("“{name}” is stopping. Try again in a moment.", name=training.name))
