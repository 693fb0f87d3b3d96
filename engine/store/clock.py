"""Times in the database that lie in the future: the clock was ahead when they were written.

Whatever is counted from such a time would last as much longer. So it counts from now.
"""

import logging
import time

from engine.store.database import Database

log = logging.getLogger(__name__)

SLACK = 120.0
"""Seconds by which a clock may have been set back without anything being wrong."""

EARLIEST = 1_760_000_000.0
"""October 2025, before this was written: a clock that says less is wrong itself (it may have lost
its battery), and nothing is changed by it."""

REPAIRS = {
    "usage": "UPDATE usage SET at = :now WHERE at > :latest",
    "blocks": "UPDATE blocks SET at = :now, until = :now + (until - at) WHERE at > :latest",
    "searches": "UPDATE searches SET used_at = :now WHERE used_at > :latest",
    "reviews": "UPDATE reviews SET asked_at = :now WHERE asked_at > :latest",
    "outcomes": "UPDATE outcomes SET at = :now WHERE at > :latest",
    "trainings": "UPDATE trainings SET started_at = :now WHERE started_at > :latest",
    "removed trainings": "UPDATE removed_trainings SET started_at = :now "
    "WHERE started_at > :latest",
    "changes of trainings": "UPDATE trainings SET changed_at = :now WHERE changed_at > :latest",
    "runs of trainings": "UPDATE trainings SET ran_at = :now WHERE ran_at > :latest",
    "runs of removed trainings": "UPDATE removed_trainings SET ran_at = :now "
    "WHERE ran_at > :latest",
    "workers": "UPDATE workers SET seen_at = :now WHERE seen_at > :latest",
}
"""By table. A block lasts as long from now as it was to last."""


def is_future(at: float) -> bool:
    """Whether that time, in seconds since the epoch, can't be right."""
    return at > time.time() + SLACK


async def bound_times(database: Database) -> int:
    """Have times that lie in the future be now; returns how many there were.

    Raises:
        StorageError: When the database can't be changed.
    """
    now = time.time()
    if now < EARLIEST:
        return 0
    changed = 0
    async with database.transaction() as connection:
        for repair in REPAIRS.values():
            cursor = await connection.execute(repair, {"now": now, "latest": now + SLACK})
            changed += cursor.rowcount
    if changed:
        log.warning("The clock was ahead: %d times in the database lay in the future", changed)
    return changed
