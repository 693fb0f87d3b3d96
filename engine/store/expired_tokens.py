"""Interaction tokens of message references and of acts, erased once they have expired.

References are opaque here but for two keys: `token`, and `expires_at` in epoch seconds.
"""

import time

from engine.store.database import Database

LIFETIME = 15 * 60.0
"""Seconds that a token can be used; an end that is further off was told by a wrong clock."""

RECENT = 5000
"""References whose tokens may have expired since the last time."""

TABLES = ("jobs", "sheets", "reviews", "trainings")

ERASE = """
    UPDATE {table} SET home = json_set(home, '$.token', '', '$.expires_at',
        min(coalesce(json_extract(home, '$.expires_at'), 0.0), :now))
    WHERE id > (SELECT coalesce(max(id), 0) FROM {table}) - :recent
    AND iif(json_valid(home), coalesce(json_extract(home, '$.token'), '') <> ''
        AND coalesce(json_extract(home, '$.expires_at'), 0.0) NOT BETWEEN :now AND :latest, 0)
"""


async def erase_expired_tokens(database: Database, *, all_rows: bool) -> int:
    """Erase the tokens that can no longer be used; returns how many.

    Args:
        database: The database.
        all_rows: Whether to look at all references, or at the latest of each table.

    Raises:
        StorageError: When the database can't be changed.
    """
    now = time.time()
    values = {
        "now": now,
        "latest": now + LIFETIME + 60,
        "recent": 2**62 if all_rows else RECENT,
    }
    erased = 0
    async with database.transaction() as connection:
        for table in TABLES:
            cursor = await connection.execute(ERASE.format(table=table), values)
            erased += cursor.rowcount
        cursor = await connection.execute(
            "DELETE FROM acts WHERE at NOT BETWEEN ? AND ?", (now - LIFETIME, now + 60)
        )
        erased += cursor.rowcount
    if erased:
        await database.checkpoint()
    return erased
