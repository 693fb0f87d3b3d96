"""The shell of everything clickable: rebuilt from its custom ID, run like a command."""

import re
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Self, TypeVar

from discord import ui

from cogs.context import AnyInteraction, Interaction

T = TypeVar("T")

Handler = Callable[[Interaction, T], Awaitable[None]]


class Persistent:
    """A `discord.ui.DynamicItem` that outlives restarts: all that it needs is in its custom ID.

    Name it before `DynamicItem` among the bases.
    """

    @classmethod
    async def from_custom_id(
        cls, interaction: AnyInteraction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The item that was used."""
        return cls.rebuilt(match, item)

    @classmethod
    @abstractmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The item from its custom ID and, for a select, from how its message shows it."""

    async def callback(self, interaction: AnyInteraction) -> None:
        """Act under the same policy and error handling as a command."""
        await interaction.client.tree.guard(interaction, lambda: self.act(interaction))

    @abstractmethod
    async def act(self, interaction: Interaction) -> None:
        """Do what was clicked."""


class ActionRegistry(Generic[T]):
    """What the buttons of one kind do, by their verbs. Features add their own."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler[T]] = {}

    def add(self, **handlers: Handler[T]) -> None:
        """Have a click on each of these verbs call its handler."""
        assert not handlers.keys() & self._handlers.keys(), "each verb has one handler"
        self._handlers |= handlers

    def __getitem__(self, verb: str) -> Handler[T]:
        """What a click on `verb` calls. Raises `KeyError` when no feature knows the verb."""
        return self._handlers[verb]

    async def run(self, verb: str, interaction: Interaction, target: T) -> None:
        """Do `verb` to `target`."""
        await self[verb](interaction, target)
