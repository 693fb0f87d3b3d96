"""Requests that wait for a member's confirmation, stored so that they outlive a restart."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from cogs.policy.access import Refused
from cogs.stored_values import stored_values
from engine import AdapterUse, GridLayout, ImageRequest, Studio
from speech import say

SCOPE, KEY = "discord", "questions"
"""Where the studio stores all of them, as one value."""

MAX_PENDING = 30
"""How many are stored, one for each user; the oldest are dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingConfirmation:
    """Requests that wait for a confirmation. Databases hold the names of its fields.

    Attributes:
        number: The ID of the interaction that asked for them.
        owner: The ID of the user who asked for them.
        requests: What to paint.
        private: The privacy that the user chose for them, if any.
        layout: The axes, if they are the cells of a grid.
    """

    number: int
    owner: int
    requests: tuple[ImageRequest, ...]
    private: bool | None = None
    layout: GridLayout | None = None

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The confirmation that `asdict` made `value` of."""
        requests = tuple(
            ImageRequest(**each | {"adapters": tuple(AdapterUse(*use) for use in each["adapters"])})
            for each in value["requests"]
        )
        layout = value.get("layout")
        return cls(
            **value
            | {"requests": requests, "layout": GridLayout.from_json(layout) if layout else None}
        )


class PendingConfirmations:
    """The stored confirmations."""

    def __init__(self, studio: Studio) -> None:
        self._preferences = studio.preferences
        self._lock = asyncio.Lock()

    async def add(self, confirmation: PendingConfirmation) -> None:
        """Store a confirmation; it replaces an earlier one of the same user."""
        async with self._lock:
            others = [each for each in await self._load() if each.owner != confirmation.owner]
            await self._save([*others, confirmation][-MAX_PENDING:])

    async def pop(self, number: int, user_id: int) -> PendingConfirmation:
        """Remove a confirmation and return it. Of two clicks at once, one gets it.

        Raises:
            Refused: When it is gone, or another user's.
        """
        async with self._lock:
            stored = await self._load()
            found = [each for each in stored if each.number == number]
            if not found:
                raise Refused(
                    say("This question was already answered or has expired. Run the command again.")
                )
            if found[0].owner != user_id:
                raise Refused(say("Only the person who asked can answer this."))
            await self._save([each for each in stored if each.number != number])
        return found[0]

    async def _load(self) -> list[PendingConfirmation]:
        text = await self._preferences.get(SCOPE, KEY)
        return stored_values(text, PendingConfirmation.from_json, "question")

    async def _save(self, confirmations: Sequence[PendingConfirmation]) -> None:
        text = json.dumps([asdict(each) for each in confirmations])
        await self._preferences.set(SCOPE, KEY, text)
