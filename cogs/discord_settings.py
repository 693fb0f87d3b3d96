"""Settings of the Discord side: the connection, permissions and limits."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from engine import Section

UNLIMITED = 10**9
"""The number that “unlimited” stands for."""


def _split_list(value: Any) -> Any:
    """Split a list of IDs, as environment variables have it."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _clean_token(value: Any) -> Any:
    """Strip newlines and quotes that files and shells leave around a token; `None` if empty."""
    return (value.strip().strip("\"'") or None) if isinstance(value, str) else value


def _parse_unlimited(value: Any) -> Any:
    return UNLIMITED if value == "unlimited" else value


_Count = Annotated[int, Field(ge=1)]
Limit = Annotated[
    _Count, BeforeValidator(_parse_unlimited, json_schema_input_type=_Count | Literal["unlimited"])
]
DiscordId = Annotated[int, Field(ge=1, lt=2**64)]
DiscordIds = Annotated[tuple[DiscordId, ...], BeforeValidator(_split_list)]


class DiscordSettings(Section):
    """The connection to Discord, and who can manage the bot there."""

    token: Annotated[SecretStr | None, BeforeValidator(_clean_token)] = Field(
        default=None,
        description="The bot's token. DISCORD_TOKEN in the environment overrides it.",
    )
    api_url: str = Field(
        default="https://discord.com/api/v10",
        pattern=r"^https?://[^\s/]+(/[^\s/]+)*$",
        description="Address of Discord's API, starting with http:// or https://, without a final "
        "slash.",
    )
    proxy: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+/?$",
        description="HTTP proxy for Discord, such as http://user:password@host:8080.",
    )
    sync_guilds: DiscordIds = Field(
        default=(),
        description="Server IDs that get the commands immediately, and no other server, for "
        "testing. Empty: every server gets them.",
    )
    admin_roles: DiscordIds = Field(
        default=(),
        description="Role IDs whose members can do what server managers can, and what the bot's "
        "owner can: add and remove models, and see /status. With any, Discord offers these "
        "commands to everyone; without, only to members with Manage Server or Timeout Members. "
        "Server managers can change that in Server Settings, Integrations.",
    )
    personal_use: bool = Field(
        default=True,
        description="Whether the bot works in direct messages, and in any server for people who "
        "added it to their account.",
    )
    conversation: bool = Field(
        default=True,
        description="Whether members can edit a picture by replying to it with the bot mentioned, "
        "like “@Atelier make it night”. The bot reads only messages that mention it.",
    )
    personal_training: bool = Field(
        default=False,
        description="Whether everyone can train LoRAs (see [training]) in direct messages, and "
        "where they added the bot to their account. The bot's owner always can.",
    )
    unsafe_pictures: Literal["spoiler", "withhold"] = Field(
        default="spoiler",
        description="What happens to NSFW pictures (see [safety]) outside age-restricted "
        "channels, in servers that haven't chosen: spoiler hides them as spoilers, withhold keeps "
        "them back until a moderator releases them.",
    )
    unsafe_may_be_shown: bool = Field(
        default=False, description="Whether servers can also choose to show NSFW pictures."
    )


class RoleLimits(Section):
    """Limits for the members of a role; unset values are those of everyone."""

    pictures_per_hour: Limit | None = Field(
        default=None, description="Pictures each of them can request per hour."
    )
    waiting_jobs: Limit | None = Field(
        default=None, description="Jobs each of them can have queued or running."
    )


class LimitSettings(Section):
    """How much members can request."""

    pictures_per_hour: Limit = Field(
        default=30,
        description='Pictures each member can request per hour, or "unlimited".',
    )
    waiting_jobs: Limit = Field(
        default=3, description='Jobs each member can have queued or running, or "unlimited".'
    )
    queue_size: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=200,
        description="Jobs that can wait in total before new ones are refused. Up to half of them "
        "can come from one server; one member can have an eighth, or one grid.",
    )
    roles: dict[DiscordId, RoleLimits] = Field(
        default={}, description="Different limits for the members of a role, by the role's ID."
    )
