"""Ids the way Discord makes them: milliseconds since 2015, shifted."""

from __future__ import annotations

import time

EPOCH_MS = 1_420_070_400_000


class Snowflakes:
    """Hands out ids at least one millisecond apart, so that they sort in order of creation.

    Consecutive ids therefore also fall on consecutive shards (``(id >> 22) % shards``).
    """

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """A new id, greater than every id before it."""
        self._last = max(self._last + 1, int(time.time() * 1000) - EPOCH_MS)
        return self._last << 22


def shard_of(guild_id: int | None, shards: int) -> int:
    """The shard that hears about a guild; direct messages belong to shard 0."""
    return 0 if guild_id is None else (guild_id >> 22) % shards
