"""What a server has decided about the bot, besides its models."""

import json
from dataclasses import asdict, dataclass

from engine import Studio

KEY = "settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a server has decided.

    Attributes:
        channels: Where members may paint, threads in them included; without any, everywhere.
        pictures_per_hour: The most that a member may ask for within any hour, roles with limits of
            their own aside; `None` leaves it to the owner's settings, which it never exceeds.
        language: The language of what everybody reads, one of `speech.LANGUAGES`; `None`: that of
            whoever asked for it.
    """

    channels: tuple[int, ...] = ()
    pictures_per_hour: int | None = None
    language: str | None = None


async def server_settings(studio: Studio, scope: str) -> ServerSettings:
    """What `scope` has decided."""
    kept = json.loads(await studio.preferences.get(scope, KEY) or "{}")
    return ServerSettings(**kept | {"channels": tuple(kept.get("channels", ()))})


async def keep_server_settings(studio: Studio, scope: str, settings: ServerSettings) -> None:
    """Remember what `scope` has decided."""
    await studio.preferences.set(scope, KEY, json.dumps(asdict(settings)))
