"""Trainings that go on when a test says so: everything but the training itself is real."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from PIL import Image

from engine import SafetyVerdict, Training, TrainingPlan, Trainings, TrainingState
from engine.training.needs import TrainingBytes, TrainingNeeds
from engine.training.requests import request_of
from speech import say

STEPS = 40


@contextmanager
def scripted_trainings() -> Iterator[None]:
    """Studios that are opened inside have such a service, and nothing that runs trainings."""
    with (
        patch("engine.training.open_trainings.Trainings", ScriptedTrainings),
        patch("engine.training.scheduling.TrainingSchedule.start", lambda schedule: None),
    ):
        yield


NEEDS = TrainingNeeds(
    step=TrainingBytes(weights=10**9, lora=0, activations=0, workspace=0),
    preparing=0,
    sampling=0,
    ram=0,
    disk=5 * 10**6,
)


class ScriptedTrainings(Trainings):
    """The service, with nothing that trains."""

    async def start(self, training_id: int, **changes: Any) -> Training:
        """Wait for the test."""
        training = await self.collecting(training_id)
        model = await self._preparation.base(training.model)
        request = request_of(training, model, STEPS, changes)
        return await self._to(
            training_id,
            TrainingState.WAITING,
            request=request,
            started_at=time.time(),
        )

    async def plan(self, training_id: int, **changes: Any) -> TrainingPlan:
        """Ten minutes, for a gigabyte."""
        training = await self.collecting(training_id)
        model = await self._preparation.base(training.model)
        return TrainingPlan(
            request=request_of(training, model, STEPS, changes),
            needs=NEEDS,
            usable_bytes=8 * 10**9,
            measures=(say("Uses an 8-bit optimizer: saves {size}.", size="1 GB"),),
            total_seconds=600.0,
        )

    async def pause(self, training_id: int) -> Training:
        """Until it is resumed."""
        return await self._to(training_id, TrainingState.PAUSED, goes_on=False)

    async def resume(self, training_id: int) -> Training:
        """At once."""
        return await self._to(training_id, TrainingState.RUNNING, error=None, finished_at=None)

    async def finish(self, training_id: int) -> Training:
        """At once."""
        return await self._to(training_id, TrainingState.FINISHED, finished_at=time.time())

    async def keep(self, training_id: int) -> Training:
        """Nothing is there to keep."""
        return await self.get(training_id)

    async def cancel(self, training_id: int) -> Training:
        """At once."""
        return await self._to(training_id, TrainingState.CANCELLED, finished_at=time.time())

    async def share(self, training_id: int) -> Training:
        """The table knows it."""
        return self._events.show(await self._table.set(training_id, private=False))

    async def propose_captions(self, training_id: int) -> Training:
        """A caption for each picture without one."""
        for picture in (await self.get(training_id)).pictures:
            if not picture.caption:
                await self.caption(training_id, picture.number, f"塔 {picture.number}")
        return await self.get(training_id)

    async def put(self, training_id: int, state: TrainingState, *, private: bool) -> None:
        """Have it be in that state, in the middle of its steps."""
        self._events.show(
            await self._table.set(
                training_id,
                state=state,
                private=private,
                step=STEPS // 2,
                goes_on=False,
                error=None,
                finished_at=None,
            )
        )

    async def come_to(
        self,
        training_id: int,
        step: int,
        *,
        loss: float = 0.25,
        plotted: bool = True,
        painted: bool = False,
        verdict: SafetyVerdict | None = None,
        state: TrainingState = TrainingState.RUNNING,
        goes_on: bool = False,
        error: str | None = None,
    ) -> None:
        """Have it come to a step, `plotted` or not, and with samples if some were `painted`."""
        training = await self._table.set(
            training_id, step=step, state=state, goes_on=goes_on, error=error
        )
        changes: dict[str, Any] = {}
        if plotted:
            changes["plot"] = self._picture(training, "loss.png", step)
        if painted:
            changes["samples"] = self._picture(training, "samples.png", step)
            changes["verdict"] = verdict
        self._events.show(training, loss=loss, seconds_left=60.0, **changes)

    async def _to(self, training_id: int, state: TrainingState, **values: Any) -> Training:
        return self._events.show(await self._table.set(training_id, state=state, **values))

    def _picture(self, training: Training, name: str, step: int) -> Path:
        file = training.folder / name
        Image.new("RGB", (32, 32), (step % 256, 80, 80)).save(file)
        return file
