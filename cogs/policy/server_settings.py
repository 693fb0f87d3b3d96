"""What a server has decided about the bot, besides its models."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from cogs.context import Interaction
from cogs.policy.contexts import scope_of
from engine import Studio
from speech import spoken

KEY = "settings"

Nsfw = Literal["spoiler", "withhold", "off"]
"""What can become of pictures that the classifier takes for unsafe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a server has decided.

    Attributes:
        channels: Where members may paint, threads in them included; without any, everywhere.
        pictures_per_hour: The most that a member may ask for within any hour, roles with limits of
            their own aside; `None` leaves it to the owner's settings, which it never exceeds.
        roles: The same for the members of some roles, by the role's id.
        review_channel: Where moderators are asked about requests that need a look; `None` is the
            channel in which they were made.
        language: The language of what everybody reads, one of `speech.LANGUAGES`; `None`: that of
            whoever asked for it.
        nsfw: What becomes of pictures that the classifier takes for unsafe, where the channel is
            not age-restricted: hidden as spoilers, withheld until a moderator releases them, or
            shown (where the owner lets servers decide that); `None` leaves it to the owner.
    """

    channels: tuple[int, ...] = ()
    pictures_per_hour: int | None = None
    roles: dict[int, int] = field(default_factory=dict)
    review_channel: int | None = None
    language: str | None = None
    nsfw: Nsfw | None = None

    def to_json(self) -> str:
        """The settings as they are kept."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """What `to_json` has written; nothing kept is nothing decided."""
        kept: dict[str, Any] = json.loads(text) if text else {}
        channels = tuple(kept.get("channels", ()))
        roles = {int(role): pictures for role, pictures in kept.get("roles", {}).items()}
        return cls(**kept | {"channels": channels, "roles": roles})


async def server_settings(studio: Studio, scope: str) -> ServerSettings:
    """What `scope` has decided."""
    return ServerSettings.from_json(await studio.preferences.get(scope, KEY))


async def change_server_settings(
    studio: Studio, scope: str, change: Callable[[ServerSettings], ServerSettings]
) -> ServerSettings:
    """Decide anew, on top of whatever was decided until now; all of what is decided then."""
    text = await studio.preferences.change(
        scope, KEY, lambda kept: change(ServerSettings.from_json(kept)).to_json()
    )
    return ServerSettings.from_json(text)


async def channel_language(interaction: Interaction) -> str:
    """The language of what everybody reads there: the server's, else that of who interacts."""
    settings = await server_settings(interaction.client.studio, scope_of(interaction))
    return settings.language or spoken()
