"""Who may do what on the loopback Hub."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class HubAccount:
    """Somebody with a token.

    Attributes:
        name: The account.
        token: Its token.
        role: What the token may do: `read`, `write` or `fineGrained`.
        organizations: Those that it belongs to.
    """

    name: str
    token: str
    role: str = "write"
    organizations: tuple[str, ...] = ()

    @property
    def may_write(self) -> bool:
        return self.role == "write"

    def belongs_to(self, namespace: str) -> bool:
        return namespace in (self.name, *self.organizations)

    def whoami(self) -> dict[str, Any]:
        """As `whoami-v2` has it."""
        return {
            "type": "user",
            "id": "0123456789abcdef01234567",
            "name": self.name,
            "fullname": self.name.title(),
            "isPro": False,
            "orgs": [{"type": "org", "name": each} for each in self.organizations],
            "auth": {
                "type": "access_token",
                "accessToken": {"displayName": f"{self.name}-{self.role}", "role": self.role},
            },
        }
