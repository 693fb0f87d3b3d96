"""Base classes of buttons and menus that work after a restart and are checked like commands."""

import re
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Self, TypeVar

from discord import ui

from cogs.context import AnyInteraction, Interaction

T = TypeVar("T")

Handler = Callable[[Interaction, T], Awaitable[None]]


class Persistent:
    """A mixin for `discord.ui.DynamicItem`s, whose custom IDs hold everything they need.

    List it before `DynamicItem` among the bases.
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
        """The item from its custom ID, and for a select from the component in its message."""

    async def callback(self, interaction: AnyInteraction) -> None:
        """Run `act` under the same policy and error handling as a command."""
        await interaction.client.tree.guard(interaction, lambda: self.act(interaction))

    @abstractmethod
    async def act(self, interaction: Interaction) -> None:
        """Handle the click or the selection."""


class ActionRegistry(Generic[T]):
    """The handlers of one kind of button, by verb. Features add their own."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler[T]] = {}

    def add(self, **handlers: Handler[T]) -> None:
        """Call these handlers on clicks on buttons with their verbs."""
        assert not handlers.keys() & self._handlers.keys(), "each verb has one handler"
        self._handlers |= handlers

    def __getitem__(self, verb: str) -> Handler[T]:
        """The handler of a verb. Raises `KeyError` when no feature has added one."""
        return self._handlers[verb]

    async def run(self, verb: str, interaction: Interaction, target: T) -> None:
        """Apply `verb` to `target`."""
        await self[verb](interaction, target)
