"""A thread beside the event loop: calls go in, futures are settled in the loop, stopping drains it.

The model is aiosqlite's: one thread, one queue, and futures that are settled only if not done.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


_left_behind: set[threading.Thread] = set()


def threads_left_behind(seconds: float) -> list[str]:
    """Names of the threads that were told to stop and still run after `seconds` more.

    The interpreter can't end in order beside them: it takes their stack away, which native code
    answers by aborting the program.
    """
    deadline = time.monotonic() + seconds
    for thread in list(_left_behind):
        thread.join(max(0.0, deadline - time.monotonic()))
        if not thread.is_alive():
            _left_behind.discard(thread)
    return [thread.name for thread in _left_behind]


def watch_to_the_end(thread: threading.Thread) -> None:
    """Count a thread among those that the program waits for when it ends."""
    _left_behind.difference_update(
        [one for one in _left_behind if one.ident and not one.is_alive()]
    )
    _left_behind.add(thread)


class ThreadStopped(Exception):
    """The thread takes no more calls, or didn't get to this one in time."""


class BackgroundThread:
    """Runs blocking calls one after the other, off the event loop.

    It's a daemon thread: nothing can interrupt a download or a long step, and a program that is
    told to stop must not wait for one.
    """

    def __init__(self, name: str) -> None:
        """Prepare the thread; the first call starts it."""
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[asyncio.Future[Any] | None] = queue.SimpleQueue()
        self._calls: dict[asyncio.Future[Any], Callable[[], Any]] = {}
        self._unsettled: set[asyncio.Future[Any]] = set()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def run(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Queue a call; its future holds the result. Cancel the future to drop a queued call.

        Raises:
            ThreadStopped: When the thread has been told to stop.
        """
        if self._stopping:
            raise ThreadStopped
        future: asyncio.Future[T] = self._loop.create_future()
        self._calls[future] = call
        self._unsettled.add(future)
        future.add_done_callback(self._forget)
        self._queue.put(future)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        return future

    def call_soon(self, callback: Callable[..., None], *arguments: object) -> None:
        """From any thread: have the loop call `callback`; a closed loop no longer needs it."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *arguments)

    async def stop(self, seconds: float | None) -> None:
        """Take no more calls and give those taken `seconds` to end; then they fail.

        With `None` they get as long as they take.

        A call that fails so raises `ThreadStopped` where its future is awaited.
        """
        if not self._stopping:
            self._stopping = True
            self._queue.put(None)
        late: set[asyncio.Future[Any]] = set()
        if self._unsettled:
            _, late = await asyncio.wait(self._unsettled, timeout=seconds)
        for future in late:
            future.set_exception(ThreadStopped())
        if self._thread is None:
            return
        if late:
            watch_to_the_end(self._thread)
        else:
            self._thread.join()  # it has nothing left to do but to return

    def _forget(self, future: asyncio.Future[Any]) -> None:
        self._calls.pop(future, None)
        self._unsettled.discard(future)

    def _run(self) -> None:
        while (future := self._queue.get()) is not None:
            call = self._calls.pop(future, None)
            # Its cancelling may not have come around in the loop yet.
            if call is None or future.cancelled():
                continue
            try:
                result = call()
            except BaseException as error:
                self.call_soon(_settle, future, None, error)
            else:
                self.call_soon(_settle, future, result, None)
                del result
            del call, future


def _settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
