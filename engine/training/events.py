"""Events: the latest of each training, for everyone who watches it."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

from engine.training.training import Training, TrainingEvent, TrainingState


class TrainingEvents:
    """Keeps one event per training that was seen. A watcher gets the latest, never a backlog."""

    def __init__(self) -> None:
        self._latest: dict[int, TrainingEvent] = {}
        self._watchers: dict[int, set[asyncio.Event]] = {}
        self._closed = False

    def show(self, training: Training, **changes: Any) -> Training:
        """Show a training as it is stored now, and return it.

        A running one is ahead of what is stored.

        Args:
            training: The training.
            **changes: Of other attributes of its event.
        """
        latest = self._latest.get(training.id)
        if latest and latest.training.state is training.state is TrainingState.RUNNING:
            training = replace(training, step=max(training.step, latest.training.step))
        self._post(
            replace(latest or TrainingEvent(training=training), training=training, **changes)
        )
        return training

    def progress(self, training_id: int, step: int | None = None, **changes: Any) -> None:
        """Show how far a training that was shown has come.

        Args:
            training_id: Which.
            step: Steps that are done, if that has changed.
            **changes: Of other attributes of its event.
        """
        latest = self._latest[training_id]
        if step is not None:
            changes["training"] = replace(latest.training, step=step)
        self._post(replace(latest, **changes))

    def _post(self, event: TrainingEvent) -> None:
        self._latest[event.training.id] = event
        for changed in self._watchers.get(event.training.id, ()):
            changed.set()

    def latest(self, training: Training) -> TrainingEvent:
        """The latest event of a training that is stored like this."""
        return self._latest.get(training.id) or TrainingEvent(training=training)

    async def watch(self, first: TrainingEvent) -> AsyncGenerator[TrainingEvent, None]:
        """Yield the latest event, then each later one, until the training is over.

        Args:
            first: What is yielded if there is none yet.
        """
        training_id, changed = first.training.id, asyncio.Event()
        self._watchers.setdefault(training_id, set()).add(changed)
        try:
            event = self._latest.get(training_id, first)
            while True:
                yield event
                if event.training.state.over:
                    return
                while (latest := self._latest.get(training_id, first)) == event:
                    if self._closed:
                        return
                    await changed.wait()
                    changed.clear()
                event = latest
        finally:
            watchers = self._watchers[training_id]
            watchers.discard(changed)
            if not watchers:
                del self._watchers[training_id]

    def close(self) -> None:
        """No more events will be posted: let every watcher see the latest one and end."""
        self._closed = True
        for watchers in self._watchers.values():
            for changed in watchers:
                changed.set()
