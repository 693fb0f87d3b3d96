"""A block: a person who may not use the bot in a scope."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """A person may not use a scope.

    Attributes:
        user: The blocked person.
        reason: Why, in the words of the moderator.
        by: The moderator.
        at: When it began, in seconds since the epoch.
        until: When it ends; `None` if it lasts until it is lifted.
    """

    user: str
    reason: str
    by: str
    at: float
    until: float | None
