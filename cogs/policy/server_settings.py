"""The settings of a server, except those about models."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self

from engine import Studio, log_damage

SETTINGS_KEY = "settings"

NOWHERE = (0,)
"""No channel has this ID: members can't paint while the settings can't be read, which may limit
them to some channels."""

Nsfw = Literal["spoiler", "withhold", "off"]
"""What happens to pictures that the safety checker flags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The settings of a server.

    Attributes:
        channels: The channels in which members may paint, including their threads; all if empty.
        pictures_per_hour: How many pictures a member may request per hour, unless a role has its
            own limit. `None` for the owner's limit, which is never exceeded.
        roles: The same for the members of some roles, by the role's ID.
        review_channel: The channel in which requests are posted for review; `None` for the
            channel of the request.
        language: The language of public messages, one of `speech.LANGUAGES`; `None` for that of
            the requesting member.
        trainers: The roles whose members may train LoRAs, besides moderators.
        nsfw: What happens to flagged pictures in channels that aren't age-restricted: they are
            hidden as spoilers, withheld until a moderator releases them, or shown (if the owner
            allows that). `None` for the owner's setting.
    """

    channels: tuple[int, ...] = ()
    pictures_per_hour: int | None = None
    roles: dict[int, int] = field(default_factory=dict)
    review_channel: int | None = None
    language: str | None = None
    nsfw: Nsfw | None = None
    trainers: tuple[int, ...] = ()

    def to_json(self) -> str:
        """The text that `from_json` reads. Its keys must stay: databases hold them."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """The settings that `to_json` wrote; the defaults for an empty text or `None`."""
        try:
            values: dict[str, Any] = json.loads(text) if text else {}
            known = {each.name for each in fields(cls)}
            channels = tuple(int(channel) for channel in values.get("channels", ()))
            trainers = tuple(int(role) for role in values.get("trainers", ()))
            roles = {int(role): int(most) for role, most in values.get("roles", {}).items()}
            kept = {name: value for name, value in values.items() if name in known}
            return cls(**kept | {"channels": channels, "roles": roles, "trainers": trainers})
        except (ValueError, TypeError, AttributeError, RecursionError):
            log_damage(
                "A server's settings (%d characters) can't be read: members can't paint there",
                len(text or ""),
            )
            return cls(channels=NOWHERE, nsfw="withhold")


async def server_settings(studio: Studio, scope: str) -> ServerSettings:
    """The settings of `scope`."""
    return ServerSettings.from_json(await studio.preferences.get(scope, SETTINGS_KEY))


async def change_server_settings(
    studio: Studio, scope: str, change: Callable[[ServerSettings], ServerSettings]
) -> ServerSettings:
    """Apply `change` to the current settings of `scope`, atomically; the new settings."""
    text = await studio.preferences.change(
        scope, SETTINGS_KEY, lambda stored: change(ServerSettings.from_json(stored)).to_json()
    )
    return ServerSettings.from_json(text)
