"""A training's process that isn't one: it takes a step when the test says so."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from engine.training.messages import (
    Finish,
    Keep,
    Kept,
    Pause,
    Paused,
    Preparing,
    Sampled,
    Trained,
    TrainingCommand,
    TrainingFailed,
    TrainingReport,
)
from engine.training.run_folder import RunFolder
from engine.training.setup import TrainingSetup


class Runner:
    """Obeys as `TrainingProcess` does, at once unless it is `stuck`."""

    def __init__(self, setup: TrainingSetup, on_report: Callable[[TrainingReport], None]) -> None:
        self.setup, self._report = setup, on_report
        self.folder = RunFolder(setup.folder)
        self.stuck = False
        self.told: list[str] = []
        self._ended = asyncio.Event()
        saved = self.folder.checkpoint
        self.step = int(saved.read_text()) if saved.exists() else 0
        self._report(Preparing(0, 6))

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def train(self, steps: int = 1) -> None:
        """Take so many steps; the last one ends it."""
        for _ in range(steps):
            self.step += 1
            self._report(Trained(self.step, 0.5, 0.01))
            if self.step % self.setup.request.checkpoint_every == 0:
                self._save()
        if self.step == self.setup.request.steps:
            self._finish()

    def sample(self, colour: str) -> None:
        """Paint the first prompt, in a colour."""
        file = self.folder.sample(self.step, 1)
        file.parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 64), colour).save(file)
        self._report(Sampled(self.step, (file,)))

    def crash(self) -> None:
        """End without a word, as after `kill -9`."""
        self._report(TrainingFailed("killed", crashed=True))
        self._ended.set()

    def fail(self, sentence: str) -> None:
        self._report(TrainingFailed(sentence))
        self._ended.set()

    def send(self, command: TrainingCommand) -> None:
        self.told.append(type(command).__name__)
        if self.stuck or self.ended:
            return
        match command:
            case Pause():
                self._save()
                self._report(Paused(self.step))
                self._ended.set()
            case Finish():
                self._finish()
            case Keep():
                self._report(Kept(self.step, self._write(self.step), final=False))

    async def wait(self) -> None:
        await self._ended.wait()

    async def kill(self) -> None:
        self._ended.set()

    def _save(self) -> None:
        self.folder.write(self.folder.checkpoint, str(self.step).encode())

    def _finish(self) -> None:
        self._report(Kept(self.step, self._write(None), final=True))
        self._ended.set()

    def _write(self, step: int | None) -> Path:
        file = self.folder.result(self.setup.request.name, step)
        self.folder.write(file, b"weights")
        return file
