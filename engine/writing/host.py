"""Where models that write run: in a process of their own, on the CPU.

Not on the card: all of its memory is planned for painting, and for a sentence the model that paints
would have to leave it, and come back, for longer than the sentence takes. A process keeps torch
from holding up the event loop, leaves the cores but for `threads` to whoever paints on them, and
gives back all of its RAM when it ends, which it does after `IDLE` seconds without a question.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine.background_thread import BackgroundThread, ThreadStopped
from engine.devices.messages import Pixels
from engine.errors import AtelierError, ModelUnavailable
from engine.processes.answering_process import AnsweringProcess
from engine.processes.channel import Channel
from engine.processes.questions import NoAnswer
from engine.writing.instructions import Turn
from speech import say

if TYPE_CHECKING:
    from engine.diffusion.writing.captioner import Captioner
    from engine.diffusion.writing.chat_model import ChatModel

log = logging.getLogger(__name__)

CAPTIONS, ANSWER = "captions", "answer"
"""What a writer is asked; the names of `Writer`'s methods."""

IDLE = 300.0
"""Seconds without a question after which a model gives back its RAM."""

SECONDS = 300.0
"""How long a text may take."""


class Writer:
    """Loads a model when it's first asked, and keeps it. It belongs to one thread at a time."""

    def __init__(self) -> None:
        self._captioner: Captioner | None = None
        self._chat_model: ChatModel | None = None

    def captions(self, folder: Path, picture: Pixels) -> list[str]:
        """Captions of an RGB picture, by the model in `folder`. Raises `ModelUnavailable`."""
        # Importing torch takes seconds, which don't matter here.
        from engine.diffusion.writing.captioner import Captioner

        if self._captioner is None:
            self._captioner = Captioner.load(folder)
        return self._captioner.captions(picture.image())

    def answer(self, folder: Path, turns: Sequence[Turn], seed: int) -> str:
        """The next turn of a chat, by the model in `folder`. Raises `ModelUnavailable`."""
        from engine.diffusion.writing.chat_model import ChatModel

        if self._chat_model is None:
            self._chat_model = ChatModel.load(folder)
        return self._chat_model.answer(turns, seed)


class WriterHost(Protocol):
    """Asks a writer, off the event loop."""

    async def ask(self, name: str, *arguments: object) -> Any:
        """What the method `name` of `Writer` returns; one call at a time.

        Raises:
            ModelUnavailable: The model can't be loaded, or fails.
            NoAnswer: The program stops; whoever asked is answered after its next start.
        """

    async def stop(self) -> None:
        """End the writer at once."""


MakeHost = Callable[[str, int], WriterHost]
"""From what to call a writer, and how many threads it may use, to its host."""


class WriterThread:
    """A writer on a thread of this process, for whoever has torch there anyway."""

    def __init__(self, name: str, threads: int) -> None:
        """Prepare the thread."""
        self._thread = BackgroundThread(name)
        self._writer = Writer()

    async def ask(self, name: str, *arguments: object) -> Any:
        """As `WriterHost.ask`."""
        try:
            return await self._thread.run(partial(getattr(self._writer, name), *arguments))
        except ThreadStopped:
            raise NoAnswer from None

    async def stop(self) -> None:
        """As `WriterHost.stop`."""
        await self._thread.stop(0)


class WriterProcess:
    """A writer in a process of its own, which starts with a question and ends without any."""

    def __init__(self, name: str, threads: int, idle: float = IDLE) -> None:
        """Prepare the process.

        Args:
            name: What to call it.
            threads: How many threads torch may use.
            idle: Seconds without a question after which it ends.
        """
        self._name = name
        self._process = AnsweringProcess(name, run_writer, threads)
        self._idle = idle
        self._ending: asyncio.TimerHandle | None = None
        self._ended: asyncio.Task[None] | None = None
        self._stopping = False

    async def ask(self, name: str, *arguments: object) -> Any:
        """As `WriterHost.ask`."""
        if self._ending is not None:
            self._ending.cancel()
        if self._ended is not None:
            await self._ended
            self._ended = None
        if self._stopping:
            raise NoAnswer
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self._process.ask(name, *arguments)
        except (TimeoutError, NoAnswer):
            await self._process.kill()
            if self._stopping:
                raise NoAnswer from None
            log.warning("The process “%s” gave no answer", self._name)
            raise ModelUnavailable(
                say("The language model failed or took too long. Try again in a minute.")
            ) from None
        except (AtelierError, asyncio.CancelledError):
            await self._process.kill()  # nothing is loaded, or nobody waits: the next begins anew
            raise
        self._ending = asyncio.get_running_loop().call_later(self._idle, self._end)
        return answer

    async def stop(self) -> None:
        """As `WriterHost.stop`."""
        self._stopping = True
        if self._ending is not None:
            self._ending.cancel()
        await self._process.kill()

    def _end(self) -> None:
        self._ended = asyncio.create_task(self._process.kill(), name=f"end the {self._name}")


def run_writer(channel: Channel, threads: int) -> None:
    """In the child: write whatever the parent asks for, as long as it's there."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    writer = Writer()
    channel.serve({CAPTIONS: writer.captions, ANSWER: writer.answer})
