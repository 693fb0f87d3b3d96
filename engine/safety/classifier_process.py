"""A process for the classifier: a thread of it would slow down the painting.

OpenMP makes its waiting threads sleep once a process has more of them than cores, so a thread that
has used torch halves the speed of another one on the CPU even while it idles; and importing torch
holds up the event loop.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Sequence

from engine.devices.messages import Pixels
from engine.processes.answering_process import AnsweringProcess
from engine.processes.channel import Channel
from engine.processes.questions import NoAnswer
from engine.safety.classifier import FindClassifier, LazyClassifier, NotChecked
from engine.safety.verdict import UNCHECKED, SafetyVerdict
from engine.settings import SafetySettings

log = logging.getLogger(__name__)

CLASSIFY, FIND = "verdicts", "classifier's folder"
"""What the two processes ask each other."""

ATTEMPTS = 2
"""How often pictures are shown to a process before they count as unsafe because it dies of them."""


class ClassifierProcess:
    """A classifier in a process of its own, which starts with the first picture."""

    def __init__(self, settings: SafetySettings, find_classifier: FindClassifier) -> None:
        """Prepare the process; see `LazyClassifier`."""
        self._process = AnsweringProcess(
            "safety checker",
            run_classifier,
            settings,
            answers={FIND: find_classifier},
            on_exit=self._ended,
        )
        self._turn = asyncio.Lock()
        self._stopping = False

    async def classify(self, pictures: Sequence[Pixels]) -> tuple[SafetyVerdict, ...]:
        """As `Classifier.classify`."""
        async with self._turn:
            for _ in range(ATTEMPTS):
                if self._stopping:
                    raise NotChecked
                with contextlib.suppress(NoAnswer):
                    verdicts: tuple[SafetyVerdict, ...] = await self._process.ask(
                        CLASSIFY, pictures
                    )
                    return verdicts
        if self._stopping:
            raise NotChecked
        return (UNCHECKED,) * len(pictures)

    async def retire(self) -> None:
        """As `Classifier.retire`."""
        async with self._turn:  # in the order of asking
            await self.stop()

    async def stop(self) -> None:
        """As `Classifier.stop`."""
        self._stopping = True
        await self._process.kill()

    def _ended(self, code: int) -> None:
        if not self._stopping:
            log.error("The classifier's process ended with %d", code)


def run_classifier(channel: Channel, settings: SafetySettings) -> None:
    """In the child: classify whatever the parent asks about, on one core, as long as it's there."""
    os.environ["OMP_NUM_THREADS"] = "1"
    classifier = LazyClassifier(settings, lambda name: channel.ask(FIND, name))
    channel.serve({CLASSIFY: classifier.classify})
