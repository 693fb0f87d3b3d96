"""How much people may upload: each in an hour, one at a time, and all together on disk."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Set
from contextlib import asynccontextmanager

from engine.errors import LimitReached, StorageError
from engine.images.uploads import UploadFolder
from engine.jobs.hourly_use import HourlyUse
from engine.jobs.rate_limits import WINDOW
from speech import say

MAX_UPLOADS = 60
"""Pictures that one person may upload in an hour."""

MAX_BYTES = 300_000_000
"""Bytes that one person may upload in an hour."""

FRESH = 600.0
"""Seconds for which an upload that no job needs yet isn't deleted to make room."""


class UploadLimits:
    """Admits uploads. It counts in memory, so a restart forgets the hour, not the disk.

    Attributes:
        max_bytes: What the folder may take.
    """

    def __init__(
        self,
        folder: UploadFolder,
        needed: Callable[[], Awaitable[Set[str]]],
        max_bytes: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare to admit uploads.

        Args:
            folder: Where they are stored.
            needed: Returns the names of those that must stay.
            max_bytes: What the folder may take.
            clock: Seconds since the epoch.
        """
        self._folder = folder
        self._needed = needed
        self.max_bytes = max_bytes
        self._clock = clock
        self._uploads = HourlyUse()
        self._turns: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def turn(self, owner: str, size: int) -> AsyncIterator[None]:
        """Let `owner` upload `size` bytes inside, one upload after the other.

        Raises:
            LimitReached: When that's too much for an hour.
            StorageError: When the disk space for uploads is used up.
        """
        self._count(owner, size)
        lock = self._turns.setdefault(owner, asyncio.Lock())
        try:
            async with lock:
                await self._make_room()
                yield
        finally:
            if not lock.locked():
                self._turns.pop(owner, None)

    def _count(self, owner: str, size: int) -> None:
        now = self._clock()
        own = self._uploads.recent(owner, now)
        if len(own) >= MAX_UPLOADS or sum(bytes_ for _, bytes_ in own) + size > MAX_BYTES:
            raise LimitReached(
                say("You've uploaded too much in the last hour. Try again later."),
                retry_at=own[0][0] + WINDOW if own else None,
            )
        self._uploads.add(owner, now, size)

    async def _make_room(self) -> None:
        if await asyncio.to_thread(self._folder.total_bytes) <= self.max_bytes:
            return
        needed = await self._needed()
        before = self._clock() - FRESH
        if not await asyncio.to_thread(self._folder.make_room, needed, before, self.max_bytes):
            raise StorageError(
                say("There's no space for more uploads. Try again later, or ask the owner.")
            )
