"""How many trainings a person may start."""

import time

from engine.errors import LimitReached
from engine.store import TrainingTable
from engine.training.training import TrainingState
from speech import say, say_many

MONTH = 30 * 24 * 3600.0
"""Seconds."""


async def check_month(table: TrainingTable, owner: str, per_month: int) -> None:
    """Raise `LimitReached` when a person has started as many trainings as are allowed.

    Args:
        table: The trainings. Those that were given up before they had the device don't count.
        owner: Who asks.
        per_month: How many; 0 for any number.
    """
    started = await table.started_since(owner, time.time() - MONTH)
    if per_month and len(started) >= per_month:
        raise LimitReached(
            say_many(
                "You've started {number} training in the last 30 days, which is the limit here.",
                "You've started {number} trainings in the last 30 days, which is the limit here.",
                len(started),
            ),
            started[-per_month] + MONTH,
        )


async def check_one(table: TrainingTable, owner: str) -> None:
    """Raise `LimitReached` when a person is collecting pictures for a training."""
    for training in await table.of_owner(owner):
        if training.state is TrainingState.COLLECTING:
            raise LimitReached(
                say(
                    "You're collecting pictures for “{name}” already. Start it or cancel it first.",
                    name=training.name,
                )
            )
