"""What paints for this bot: who is paused, who was here when, and how much each has painted."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.store.clock import SLACK
from engine.store.database import Database

DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenWorker:
    """A worker on another machine, as it was when it was last heard of.

    Attributes:
        name: The worker's name.
        card: What it paints with.
        program: Its version of the program.
        seen_at: Seconds since the epoch.
    """

    name: str
    card: str
    program: str
    seen_at: float


class WorkerTable:
    """Workers by name: this machine's devices, and workers on other machines."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def paused(self) -> frozenset[str]:
        """The names of those that were paused and not resumed."""
        rows = await self._database.read("SELECT name FROM workers WHERE paused")
        return frozenset(name for (name,) in rows)

    async def set_paused(self, name: str, paused: bool) -> None:
        """Record that one is paused, or isn't."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO workers (name, paused) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET paused = excluded.paused",
                (name, int(paused)),
            )

    async def note(self, workers: Iterable[SeenWorker]) -> None:
        """Record that these were heard of."""
        async with self._database.transaction() as connection:
            await connection.executemany(
                "INSERT INTO workers (name, card, program, seen_at) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET card = excluded.card, "
                "program = excluded.program, seen_at = excluded.seen_at",
                [(one.name, one.card, one.program, one.seen_at) for one in workers],
            )

    async def seen_since(self, since: float) -> list[SeenWorker]:
        """The workers on other machines that were heard of after `since` (epoch seconds)."""
        rows = await self._database.read(
            "SELECT name, card, program, seen_at FROM workers WHERE seen_at > ? ORDER BY name",
            since,
        )
        return [SeenWorker(name=n, card=c, program=p, seen_at=at) for n, c, p, at in rows]

    async def pictures_last_day(self) -> Mapping[str, int]:
        """How many pictures each device has painted in the last day, by the device's name."""
        now = time.time()
        rows = await self._database.read(
            "SELECT device, sum(pictures) FROM outcomes WHERE state = 'painted' "
            "AND device IS NOT NULL AND at BETWEEN ? AND ? GROUP BY device",
            now - DAY,
            now + SLACK,
        )
        return {str(device): int(pictures) for device, pictures in rows}
