"""Values that many readers want and that are worth computing only once in a while."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from engine import AtelierError

log = logging.getLogger(__name__)

T = TypeVar("T")


class Cached(Generic[T]):
    """A value that is loaded at most once in some seconds, however many ask for it.

    When loading fails, the value stays as it was.
    """

    def __init__(
        self,
        load: Callable[[], Awaitable[T]],
        seconds: float,
        first: T,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare to load.

        Args:
            load: Computes the value.
            seconds: For how long it is good.
            first: What it is until it has been loaded.
            clock: Seconds that only grow.
        """
        self._load = load
        self._seconds = seconds
        self._value = first
        self._clock = clock
        self._good_until = -1.0
        self._loading: asyncio.Task[None] | None = None

    async def get(self) -> T:
        """The value, loaded now if it is too old; several that wait for it load it once."""
        if self._is_old:
            await asyncio.shield(self._start())
        return self._value

    def peek(self) -> T:
        """The value as it is; if it is too old, it is loaded meanwhile for those who ask later."""
        if self._is_old:
            self._start()
        return self._value

    @property
    def _is_old(self) -> bool:
        return self._clock() >= self._good_until

    def _start(self) -> "asyncio.Task[None]":
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._refresh(), name="refresh for the page")
        return self._loading

    async def _refresh(self) -> None:
        try:
            self._value = await self._load()
        except AtelierError as error:
            log.debug("The page can't show everything: %s", error)
        except Exception:
            log.exception("The page can't show everything")
        self._good_until = self._clock() + self._seconds
