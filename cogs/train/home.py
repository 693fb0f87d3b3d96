"""Where a training's message is, and what was decided there. The engine stores it unread."""

from dataclasses import dataclass, replace
from typing import Any, Self

from cogs.message_ref import MessageRef
from engine import Training


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingHome:
    """A training's message.

    Attributes:
        message_ref: Where it is.
        agreed: Whether its owner has said that the person in the pictures agreed.
        delivered: Whether the outcome has been shown.
        repo: Where it was last proposed to publish the LoRA, as typed.
        licence: Under which licence, as typed.
        thread: The thread in which pictures are posted; 0 for none.
    """

    message_ref: MessageRef
    agreed: bool = False
    delivered: bool = False
    repo: str = ""
    licence: str = ""
    thread: int = 0

    @classmethod
    def of(cls, training: Training) -> Self:
        """That of a training.

        Raises:
            ValueError, TypeError, AttributeError: When it can't be read.
        """
        value = training.message_ref
        return cls(
            message_ref=MessageRef.from_json(value),
            agreed=value.get("agreed") is True,
            delivered=value.get("delivered") is True,
            repo=str(value.get("repo") or ""),
            licence=str(value.get("licence") or ""),
            thread=int(value.get("thread") or 0),
        )

    def at(self, message_ref: MessageRef) -> Self:
        """The same, somewhere else."""
        return replace(self, message_ref=message_ref)

    def to_json(self) -> dict[str, Any]:
        """The value that `of` reads. Its keys must stay: databases hold them."""
        return {
            **self.message_ref.to_json(),
            "agreed": self.agreed,
            "delivered": self.delivered,
            "repo": self.repo,
            "licence": self.licence,
            "thread": self.thread,
        }
