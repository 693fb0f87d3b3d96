"""The settings of the Discord wing: how it reaches Discord, and how much members may ask for."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from engine import Section

UNLIMITED = 10**9
"""What the word “unlimited” stands for: more than anybody asks for."""


def _words(value: Any) -> Any:
    """Environment variables hold text: “1, 2” is a list there."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _bare(value: Any) -> Any:
    """Files and environments often bring a line's end or quotes along; an empty token is none."""
    return (value.strip().strip("\"'") or None) if isinstance(value, str) else value


def _unlimited(value: Any) -> Any:
    return UNLIMITED if value == "unlimited" else value


_Count = Annotated[int, Field(ge=1)]
Limit = Annotated[
    _Count, BeforeValidator(_unlimited, json_schema_input_type=_Count | Literal["unlimited"])
]
DiscordId = Annotated[int, Field(ge=1, lt=2**64)]
DiscordIds = Annotated[tuple[DiscordId, ...], BeforeValidator(_words)]


class DiscordSettings(Section):
    """The connection to Discord, and who looks after the bot there."""

    token: Annotated[SecretStr | None, BeforeValidator(_bare)] = Field(
        default=None,
        description="The bot's token. DISCORD_TOKEN in the environment stands over it.",
    )
    api_url: str = Field(
        default="https://discord.com/api/v10",
        pattern=r"^https?://[^\s/]+(/[^\s/]+)*$",
        description="Where Discord's API is: an http:// or https:// address, no slash at the end.",
    )
    proxy: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+/?$",
        description="An HTTP proxy on the way to Discord, such as http://user:password@host:8080.",
    )
    sync_guilds: DiscordIds = Field(
        default=(),
        description="Servers that get the commands at once, for trying things out. With none, "
        "every server has them.",
    )
    admin_roles: DiscordIds = Field(
        default=(),
        description="Roles that may do what server managers may, and what the bot's owner may: "
        "add and remove models, see /status.",
    )
    personal_use: bool = Field(
        default=True,
        description="Whether people may use the bot in direct messages, and those who installed it "
        "for themselves also where it is not a member.",
    )
    unsafe_pictures: Literal["spoiler", "withhold"] = Field(
        default="spoiler",
        description="What becomes of pictures that the classifier of [safety] takes for unsafe, "
        "outside of age-restricted channels, where a server has not chosen: they are hidden as "
        "spoilers, or withheld until a moderator releases them.",
    )
    unsafe_may_be_shown: bool = Field(
        default=False, description="Whether a server may also choose to show them as they are."
    )


class RoleLimits(Section):
    """Limits for the members of one role; what is not given is as for everybody."""

    pictures_per_hour: Limit | None = Field(
        default=None, description="Pictures that such a member may ask for within any hour."
    )
    waiting_jobs: Limit | None = Field(
        default=None, description="Jobs that such a member may have open at a time."
    )


class LimitSettings(Section):
    """How much members may ask for."""

    pictures_per_hour: Limit = Field(
        default=30,
        description='Pictures that a member may ask for within any hour; or "unlimited".',
    )
    waiting_jobs: Limit = Field(
        default=3, description='Jobs that a member may have open at a time; or "unlimited".'
    )
    queue_size: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=200, description="Jobs that may wait in all before new ones are refused."
    )
    roles: dict[DiscordId, RoleLimits] = Field(
        default={}, description="Other limits for the members of some roles, by the role's id."
    )
