"""Models and LoRAs that wait to be added, stored until they are.

Buttons hold the number of a pending model: sources can be too long for custom IDs.
"""

import asyncio
import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from cogs.message_ref import MessageRef
from cogs.stored_values import stored_values
from engine import Studio

STORE_SCOPE, STORE_KEY = "discord", "orders"
"""The preference that holds all pending models."""

MAX_PENDING = 100
"""Pending models that are stored; older ones expire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingModel:
    """A model or a LoRA to be added.

    Attributes:
        number: The ID of the interaction that requested it.
        name: The name it will have; `None` until its source has been inspected.
        message_ref: Where its message is.
        downloading: Whether it was being downloaded when this was stored.
        lora: Whether it is a LoRA; the next two are a LoRA's.
        weight: Its default weight, if one was given.
        trigger: Its trigger words, if they were given.

    The other attributes are those of `engine.Model`.
    """

    number: int
    source: str
    revision: str | None
    variant: str | None
    denoiser: str | None
    name: str | None
    message_ref: MessageRef
    downloading: bool = False
    lora: bool = False
    weight: float | None = None
    trigger: str | None = None

    @property
    def source_options(self) -> dict[str, Any]:
        """The options that belong to its source, for the model or LoRA manager."""
        of_model = ("revision", "variant", "denoiser", "name")
        keys = ("name", "weight", "trigger") if self.lora else of_model
        return {key: getattr(self, key) for key in keys}

    def to_json(self) -> dict[str, Any]:
        """The value that `from_json` reads. Its keys must stay: databases hold them."""
        value = asdict(self)
        del value["message_ref"]
        return value | {
            "home": self.message_ref.to_json(),
            "underway": value.pop("downloading"),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The pending model that `to_json` wrote, in this version or an older one."""
        value = dict(value)
        return cls(
            message_ref=MessageRef.from_json(value.pop("home")),
            downloading=value.pop("underway", False),
            **value,
        )


class PendingModels:
    """The stored pending models."""

    def __init__(self, studio: Studio) -> None:
        self._preferences = studio.preferences
        self._writing = asyncio.Lock()

    async def all(self) -> dict[int, PendingModel]:
        """All pending models by number, the oldest first."""
        text = await self._preferences.get(STORE_SCOPE, STORE_KEY)
        all_pending = stored_values(text, PendingModel.from_json, "pending model")
        return {pending.number: pending for pending in all_pending}

    async def get(self, number: int) -> PendingModel | None:
        """The pending model of that number, if it hasn't expired."""
        return (await self.all()).get(number)

    async def save(self, pending: PendingModel) -> None:
        """Store a pending model, or its changes."""
        async with self._writing:
            all_pending = await self.all() | {pending.number: pending}
            await self._write(list(all_pending.values())[-MAX_PENDING:])

    async def drop(self, number: int) -> None:
        """Delete a pending model."""
        async with self._writing:
            all_pending = await self.all()
            if all_pending.pop(number, None) is not None:
                await self._write(list(all_pending.values()))

    async def _write(self, all_pending: list[PendingModel]) -> None:
        kept = [
            replace(pending, message_ref=pending.message_ref.without_expired_token())
            for pending in all_pending
        ]
        text = json.dumps([pending.to_json() for pending in kept])
        await self._preferences.set(STORE_SCOPE, STORE_KEY, text)
