"""A process beside the event loop: messages go in and come out, and what won't stop is killed.

What blocks the interpreter (importing torch), takes much memory or may crash in native code belongs
in one: the event loop goes on, and all that it took is free again when it ends.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

from engine.processes.channel import Channel, ChannelHandler
from engine.processes.questions import Answers, Questions

log = logging.getLogger(__name__)

NOT_STARTED = 1
"""The exit code of a process that couldn't be started."""

CONTEXT: Any = multiprocessing.get_context("spawn")
"""How processes start: anew on every platform, since threads and CUDA don't survive a fork."""


class ChildProcess:
    """Runs `main(channel, *arguments)` in a process of its own.

    It ends when `main` returns, when `stop` gives up on it, and with this process, however that
    ends. Its log lines appear in this process's log.
    """

    def __init__(
        self,
        name: str,
        main: Callable[..., None],
        *arguments: object,
        on_exit: Callable[[int], None],
        on_message: Callable[[Any], None] = lambda message: None,
        answers: Answers | None = None,
    ) -> None:
        """Start the process; call it in the event loop.

        Args:
            name: What to call it, for those who list processes and threads.
            main: A function of a module, which the child imports.
            *arguments: Passed on; they are pickled.
            on_exit: Called in the loop after the last message, with the exit code; below zero it's
                the number of the signal that killed the process.
            on_message: Called in the loop with each message.
            answers: What the child may ask; called on threads.
        """
        self._loop = asyncio.get_running_loop()
        self._on_message = on_message
        self._on_exit = on_exit
        self._questions = Questions(self.send, answers or {})
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._started = threading.Event()
        self._ended = asyncio.Event()
        self._connection, theirs = CONTEXT.Pipe()
        level = logging.getLogger().getEffectiveLevel()
        self._process = CONTEXT.Process(
            target=_run, name=name, args=(theirs, level, main, arguments), daemon=True
        )
        threading.Thread(
            target=self._read, args=(theirs,), name=f"from {name}", daemon=True
        ).start()

    def send(self, message: object) -> None:
        """Send a message, in order; one to a process that has ended is dropped. Any thread may."""
        self._outbox.put(bytes(ForkingPickler.dumps(message)))

    def ask(self, name: str, *arguments: object) -> Future[Any]:
        """Ask the child, which has to listen; see `Questions.ask`."""
        return self._questions.ask(name, *arguments)

    async def stop(self, seconds: float) -> bool:
        """Wait `seconds` for the process to end, then kill it; returns whether it was killed.

        `on_exit` has been called when this returns.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            await asyncio.to_thread(self._kill)
            await self._ended.wait()
            return True
        return False

    def _kill(self) -> None:
        self._started.wait()
        if self._process.pid is not None:
            self._process.kill()

    def _read(self, theirs: Connection) -> None:
        """On a thread of its own: start the process, and pass on what it sends until it ends."""
        code = self._run_to_the_end() if self._start(theirs) else NOT_STARTED
        self._questions.give_up()
        self._call_soon(self._end, code)

    def _start(self, theirs: Connection) -> bool:
        try:
            self._process.start()
        except Exception:
            log.exception("The process “%s” can't be started", self._process.name)
            return False
        finally:
            self._started.set()
            theirs.close()
        return True

    def _run_to_the_end(self) -> int:
        """Pass on what the process sends; its exit code, once it has ended."""
        threading.Thread(target=self._write, name=f"to {self._process.name}", daemon=True).start()
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._take(self._connection.recv())
        self._process.join()
        self._outbox.put(None)
        code: int = self._process.exitcode or 0
        return code

    def _take(self, message: Any) -> None:
        if isinstance(message, logging.LogRecord):
            logging.getLogger(message.name).handle(message)
        elif not self._questions.take(message):
            self._call_soon(self._on_message, message)

    def _write(self) -> None:
        with contextlib.suppress(OSError):
            for message in iter(self._outbox.get, None):
                self._connection.send_bytes(message)

    def _end(self, code: int) -> None:
        self._on_exit(code)
        self._ended.set()

    def _call_soon(self, callback: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # a closed loop no longer needs it
            self._loop.call_soon_threadsafe(callback, *arguments)


def _run(
    connection: Connection, level: int, main: Callable[..., None], arguments: tuple[object, ...]
) -> None:
    """In the child: run `main`. Signals are the parent's business, which tells this process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    channel = Channel(connection)
    logging.basicConfig(level=level, handlers=[ChannelHandler(channel)], force=True)
    main(channel, *arguments)
    # Not through the interpreter's end: native threads that still run would abort it.
    connection.close()
    os._exit(0)
