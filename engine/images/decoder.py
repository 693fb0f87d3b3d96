"""Where pictures of strangers are decoded: on a thread, or in a process that may be killed.

One call into a decoder can take any time and memory, and nothing interrupts it on a thread.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol, TypeVar

from engine.errors import InvalidRequest
from engine.processes.answering_process import AnsweringProcess
from engine.processes.channel import Channel
from engine.processes.questions import NoAnswer
from speech import say

T = TypeVar("T")

CALL = "call with a picture"
"""What the process is asked."""

SECONDS = 20.0
"""How long a picture may take; one of `MAX_PIXELS` takes two or three."""

MEMORY = 1_500_000_000
"""Bytes that the process may take beside its own; a picture of `MAX_PIXELS` takes up to 0.8 GB."""


class Decoder(Protocol):
    """Calls functions that decode pictures, off the event loop."""

    async def run(self, call: Callable[..., T], *arguments: object) -> T:
        """The result of the call, which may raise `AtelierError`."""

    async def stop(self) -> None:
        """End it; calls that aren't finished raise `InvalidRequest`."""


class DecoderThread:
    """Calls on a thread of this process, for pictures of whoever runs the program."""

    async def run(self, call: Callable[..., T], *arguments: object) -> T:
        """As `Decoder.run`."""
        return await asyncio.to_thread(call, *arguments)

    async def stop(self) -> None:
        """As `Decoder.stop`."""


class DecoderProcess:
    """Calls in a process of its own, one after the other; what takes too long or too much dies.

    The process starts with the first picture.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._process = AnsweringProcess("decoder", run_decoder)

    async def run(self, call: Callable[..., T], *arguments: object) -> T:
        """As `Decoder.run`; the function and its arguments are pickled.

        Raises:
            InvalidRequest: Also when it takes too long, or kills the process.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(SECONDS):
                    result: T = await self._process.ask(CALL, call, arguments)
                    return result
            except (TimeoutError, NoAnswer):
                await self.stop()
                raise InvalidRequest(
                    say("This picture takes too long to read. Save it anew and send that.")
                ) from None
            except asyncio.CancelledError:
                await self.stop()  # nobody waits for it, and the next one shouldn't either
                raise

    async def stop(self) -> None:
        """As `Decoder.stop`."""
        await self._process.kill()


def run_decoder(channel: Channel) -> None:
    """In the child: call what the parent asks for, as long as it's there."""
    _limit_memory()

    def call(function: Callable[..., object], arguments: tuple[object, ...]) -> object:
        try:
            return function(*arguments)
        except MemoryError:
            raise InvalidRequest(say("The picture is far too large. Send a smaller one.")) from None

    channel.serve({CALL: call})


def _limit_memory() -> None:
    """Let allocations beyond `MEMORY` fail, where the platform can."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # not on Windows

        with open("/proc/self/statm") as file:
            own = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (own + MEMORY, resource.RLIM_INFINITY))
