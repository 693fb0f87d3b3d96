"""A stop of the tour, and who goes on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from cogs.policy.access import OWNER_ONLY
from tests.discord_server import Use

if TYPE_CHECKING:
    from .guide import Tour


class Role(Enum):
    """Somebody on the tour."""

    MEMBER = "alice"
    """Whose jobs they are."""
    NEIGHBOUR = "bob"
    """Another member, who may do nothing in particular."""
    MODERATOR = "mod"
    MANAGER = "manager"
    OWNER = "developer"
    STRANGER = "mallory"
    """Who rules another server, and knows the numbers of jobs here that they cannot see."""


class For(Enum):
    """Whom something is for; the value is what the others are told."""

    EVERYBODY = ""
    TRAINERS = "Training LoRAs here takes a role that a server manager has chosen in `/settings`"
    MODERATORS = (
        "You need the Timeout Members or Manage Server permission, or a role chosen by the "
        "bot's owner."
    )
    MANAGERS = "You need the Manage Server permission, or a role chosen by the bot's owner."
    THE_OWNER = OWNER_ONLY


ABLE: Mapping[Role, frozenset[For]] = {
    Role.MEMBER: frozenset({For.EVERYBODY, For.TRAINERS}),
    Role.NEIGHBOUR: frozenset({For.EVERYBODY}),
    Role.MODERATOR: frozenset({For.EVERYBODY, For.TRAINERS, For.MODERATORS}),
    Role.MANAGER: frozenset(For) - {For.THE_OWNER},
    Role.OWNER: frozenset(For),
    Role.STRANGER: frozenset(For) - {For.THE_OWNER},
}
"""What each of them may, in their own server."""

Drive = Callable[["Tour"], Awaitable[Use]]


@dataclass(frozen=True, slots=True)
class Stop:
    """Something that people use.

    Attributes:
        key: What: see `keys`.
        drive: How it is used, from asking for it to the answer.
        says: Of what is answered to those whom it is for, the English template.
        whom: Whom it is for.
        told: What some are told instead.
        public: Whether others read the answer.
    """

    key: str
    drive: Drive
    says: str
    whom: For = For.EVERYBODY
    told: Mapping[Role, str] = field(default_factory=dict)
    public: bool = False

    def allows(self, role: Role) -> bool:
        """Whether it is done for them."""
        return self.whom in ABLE[role] and role not in self.told

    def matters(self, role: Role) -> bool:
        """Whether they go there: the others do all of it."""
        match role:
            case Role.NEIGHBOUR:
                return role in self.told
            case Role.MANAGER | Role.OWNER:
                return self.whom is not For.EVERYBODY
            case _:
                return True

    def expected(self, role: Role) -> str:
        """What they are told."""
        if role in self.told:
            return self.told[role]
        return self.says if self.whom in ABLE[role] else self.whom.value
