"""Orders: the models that somebody asked to be added, kept until they are here.

Buttons carry an order's number, so they work after a restart and however long a source is.
"""

import asyncio
import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from cogs.message_ref import MessageRef
from engine import Studio

SCOPE, KEY = "discord", "orders"
"""Where the studio keeps them, all in one value."""

MOST = 100
"""Orders that are kept; buttons of older ones say that they are too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingModel:
    """A model to be added.

    Attributes:
        number: That of the interaction in which it was asked for.
        name: What it is to be called; `None` until its source has been looked at.
        message_ref: Where its message is.
        underway: Whether it was being downloaded when this was written down.

    The other attributes are those of `engine.Model`.
    """

    number: int
    source: str
    revision: str | None
    variant: str | None
    denoiser: str | None
    name: str | None
    message_ref: MessageRef
    underway: bool = False

    @property
    def where(self) -> dict[str, str | None]:
        """What the studio's curator has to know to find it."""
        keys = ("revision", "variant", "denoiser", "name")
        return {key: getattr(self, key) for key in keys}

    def to_json(self) -> dict[str, Any]:
        """The order as plain JSON values."""
        value = asdict(self)
        del value["message_ref"]
        return value | {"home": self.message_ref.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The order that `to_json` wrote."""
        message_ref = MessageRef.from_json(value["home"])
        kept = {key: item for key, item in value.items() if key != "home"}
        return cls(**kept, message_ref=message_ref)


class PendingModels:
    """All orders by their numbers, as the studio keeps them."""

    def __init__(self, studio: Studio) -> None:
        self._preferences = studio.preferences
        self._writing = asyncio.Lock()

    async def all(self) -> dict[int, PendingModel]:
        """Every order, the oldest first."""
        text = await self._preferences.get(SCOPE, KEY)
        orders = [PendingModel.from_json(value) for value in json.loads(text or "[]")]
        return {order.number: order for order in orders}

    async def get(self, number: int) -> PendingModel | None:
        """The order of that number, if it is still kept."""
        return (await self.all()).get(number)

    async def save(self, order: PendingModel) -> None:
        """Write an order down, or what has changed of it."""
        async with self._writing:
            orders = await self.all() | {order.number: order}
            await self._write(list(orders.values())[-MOST:])

    async def drop(self, number: int) -> None:
        """Forget an order."""
        async with self._writing:
            orders = await self.all()
            if orders.pop(number, None) is not None:
                await self._write(list(orders.values()))

    async def _write(self, orders: list[PendingModel]) -> None:
        text = json.dumps([order.to_json() for order in orders])
        await self._preferences.set(SCOPE, KEY, text)
