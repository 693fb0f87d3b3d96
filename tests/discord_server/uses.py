"""What a person gets back for using the bot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .messages import Message

if TYPE_CHECKING:
    from .interactions import Interaction
    from .modals import Modal


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of an autocomplete list."""

    name: str
    value: Any


class Use:
    """One use of a command, a component or a modal, once the bot has acknowledged it or not."""

    def __init__(self, interaction: Interaction) -> None:
        self.interaction = interaction

    @property
    def failed(self) -> str | None:
        """What the client says when the bot did not respond; None when it did."""
        return self.interaction.failed

    @property
    def acknowledged_after(self) -> float:
        """Seconds from the use to the acknowledgement; infinite when there was none."""
        done = self.interaction.acknowledged_at
        return float("inf") if done is None else done - self.interaction.offered_at

    @property
    def response(self) -> int | None:
        """The type of the acknowledgement: 4 message, 5 deferred, 6, 7 update, 9 modal."""
        return self.interaction.response

    @property
    def followups(self) -> list[Message]:
        """Follow-up messages so far, oldest first."""
        return [each for each in self.interaction.followups if not each.deleted]

    async def message(self, timeout: float = 10) -> Message:
        """The original response once it says something; for an update, the updated message."""
        self._must_have_responded()
        original = await self.interaction.world.changes.until(
            lambda: (
                self.interaction.original
                if self.interaction.original and not self.interaction.original.loading
                else None
            ),
            timeout,
        )
        assert original is not None
        return original

    async def modal(self) -> Modal:
        """The modal that opened."""
        self._must_have_responded()
        if self.interaction.modal is None:
            raise AssertionError(f"{self.interaction.name} opened no modal")
        return self.interaction.modal

    async def followup(self, index: int = 0, timeout: float = 10) -> Message:
        """The follow-up with this index, awaited."""
        await self.interaction.world.changes.until(lambda: len(self.followups) > index, timeout)
        return self.followups[index]

    def _must_have_responded(self) -> None:
        if self.failed is not None:
            raise AssertionError(f"{self.interaction.describe()}: {self.failed}")

    def __repr__(self) -> str:
        state = self.failed or f"acknowledged after {self.acknowledged_after:.3f} s"
        return f"<Use {self.interaction.describe()!r}: {state}>"
