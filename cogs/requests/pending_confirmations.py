"""Requests that wait for a member's confirmation, stored so that they outlive a restart."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
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
        claimed_by: The ID of the interaction that is submitting them, if one is.
    """

    number: int
    owner: int
    requests: tuple[ImageRequest, ...]
    private: bool | None = None
    layout: GridLayout | None = None
    claimed_by: int | None = None

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
        """Remove a confirmation that nobody has claimed, and return it.

        Raises:
            Refused: When it is gone, claimed, or another user's.
        """
        async with self._lock:
            found, others = await self._find(number, user_id, None)
            await self._save(others)
        return found

    async def require(self, number: int, user_id: int, interaction_id: int) -> None:
        """Raise what `claim` would raise."""
        async with self._lock:
            await self._find(number, user_id, interaction_id)

    async def claim(self, number: int, user_id: int, interaction_id: int) -> PendingConfirmation:
        """Mark a confirmation as being submitted, and return it unmarked.

        Of two clicks at once, one gets it. A click that the program's end has interrupted gets it
        again.

        Raises:
            Refused: When it is gone, claimed by another interaction, or another user's.
        """
        async with self._lock:
            found, others = await self._find(number, user_id, interaction_id)
            await self._save([*others, replace(found, claimed_by=interaction_id)])
        return replace(found, claimed_by=None)

    async def remove(self, number: int) -> None:
        """Remove a confirmation."""
        async with self._lock:
            await self._save([each for each in await self._load() if each.number != number])

    async def _find(
        self, number: int, user_id: int, interaction_id: int | None
    ) -> tuple[PendingConfirmation, list[PendingConfirmation]]:
        """The confirmation, and the others. Raises what `claim` raises."""
        stored = await self._load()
        found = next((each for each in stored if each.number == number), None)
        if found is None or found.claimed_by not in (None, interaction_id):
            raise Refused(
                say("This question was already answered or has expired. Run the command again.")
            )
        if found.owner != user_id:
            raise Refused(say("Only the person who asked can answer this."))
        return found, [each for each in stored if each is not found]

    async def _load(self) -> list[PendingConfirmation]:
        text = await self._preferences.get(SCOPE, KEY)
        return stored_values(text, PendingConfirmation.from_json, "question")

    async def _save(self, confirmations: Sequence[PendingConfirmation]) -> None:
        text = json.dumps([asdict(each) for each in confirmations])
        await self._preferences.set(SCOPE, KEY, text)
