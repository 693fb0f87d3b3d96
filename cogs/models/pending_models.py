"""Orders: the models that somebody asked to be added, kept until they are here.

Buttons carry an order's number, so they work after a restart and however long a source is.
"""

import asyncio
import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from cogs.message_ref import Home
from engine import Studio

SCOPE, KEY = "discord", "orders"
"""Where the studio keeps them, all in one value."""

MOST = 100
"""Orders that are kept; buttons of older ones say that they are too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A model to be added.

    Attributes:
        number: That of the interaction in which it was asked for.
        name: What it is to be called; `None` until its source has been looked at.
        home: Where its message is.
        underway: Whether it was being downloaded when this was written down.

    The other attributes are those of `engine.Model`.
    """

    number: int
    source: str
    revision: str | None
    variant: str | None
    denoiser: str | None
    name: str | None
    home: Home
    underway: bool = False

    @property
    def where(self) -> dict[str, str | None]:
        """What the studio's curator has to know to find it."""
        keys = ("revision", "variant", "denoiser", "name")
        return {key: getattr(self, key) for key in keys}

    def to_json(self) -> dict[str, Any]:
        """The order as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The order that `to_json` wrote."""
        return cls(**value | {"home": Home.from_json(value["home"])})


class Orders:
    """All orders by their numbers, as the studio keeps them."""

    def __init__(self, studio: Studio) -> None:
        self._preferences = studio.preferences
        self._writing = asyncio.Lock()

    async def all(self) -> dict[int, Order]:
        """Every order, the oldest first."""
        text = await self._preferences.get(SCOPE, KEY)
        orders = [Order.from_json(value) for value in json.loads(text or "[]")]
        return {order.number: order for order in orders}

    async def get(self, number: int) -> Order | None:
        """The order of that number, if it is still kept."""
        return (await self.all()).get(number)

    async def save(self, order: Order) -> None:
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

    async def _write(self, orders: list[Order]) -> None:
        text = json.dumps([order.to_json() for order in orders])
        await self._preferences.set(SCOPE, KEY, text)
