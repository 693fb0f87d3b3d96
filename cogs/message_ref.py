"""Where in Discord the message of a job or grid is. The engine stores it as an opaque value."""

import time
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

import discord

TOKEN_LIFETIME = 15 * 60.0
"""Seconds for which an interaction token can be used (Discord, "Receiving and Responding")."""

TOKEN_MARGIN = 10.0
"""Seconds before its end from which a token is no longer used."""

CLOCK_ERROR = 60.0
"""Seconds by which this machine's clock may differ from Discord's before it is wrong."""

EXPIRY_NOTICE = 40.0
"""Seconds before the end of a token at which a message that only it can edit announces that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """The place of a message, and the means to edit it.

    Attributes:
        guild_id: The server; `None` in direct messages.
        channel_id: The channel.
        message_id: The message; `None` until Discord has returned its ID.
        application_id: The application that the token is for.
        token: The interaction's token: it edits the message without any permissions.
        expires_at: Epoch seconds at which the token expires.
        upload_limit: Bytes that may be attached to one message there.
        language: The language of the message, one of `speech.LANGUAGES`.
        person: The ID of the user whom the message answers.
        private: Whether only that user sees the message.
        token_only: Whether the message can be edited only with the token: it is ephemeral, or in
            a place where the bot isn't a member. After the token's end, the answer goes to the
            user's DMs.
        pinged_at: Epoch seconds at which the user was first to be told that it is ready.
    """

    guild_id: int | None
    channel_id: int
    message_id: int | None
    application_id: int
    token: str = field(repr=False)
    expires_at: float
    upload_limit: int
    language: str = "en"
    person: int = 0
    private: bool = False
    token_only: bool = False
    pinged_at: float | None = None

    @classmethod
    def of(
        cls,
        interaction: discord.Interaction,
        language: str,
        *,
        private: bool = False,
        token_only: bool = False,
    ) -> Self:
        """The message that will answer `interaction` in `language`."""
        assert interaction.channel_id is not None, "commands and buttons are used in a channel"
        return cls(
            guild_id=interaction.guild_id,
            channel_id=interaction.channel_id,
            message_id=None,
            application_id=interaction.application_id,
            token=interaction.token,
            expires_at=_begin(interaction.created_at.timestamp()) + TOKEN_LIFETIME,
            upload_limit=interaction.filesize_limit,
            language=language,
            person=interaction.user.id,
            private=private,
            token_only=token_only,
        )

    @property
    def token_valid(self) -> bool:
        """Whether the token can still be used."""
        left = self.expires_at - time.time()
        # An end that is further off than any was told by a clock that was ahead.
        return bool(self.token) and TOKEN_MARGIN < left <= TOKEN_LIFETIME + CLOCK_ERROR

    @property
    def editable_until(self) -> float | None:
        """Epoch seconds until which the message can be edited; `None` for no limit."""
        return self.expires_at if self.token_only else None

    @property
    def seconds_to_expiry_notice(self) -> float | None:
        """Seconds until the message has to announce its token's end; 0 once that is due.

        `None` for a message that the bot can edit without the token.
        """
        if not self.token_only:
            return None
        left = self.expires_at - EXPIRY_NOTICE - time.time()
        return max(0.0, left) if left <= TOKEN_LIFETIME + CLOCK_ERROR else 0.0

    @property
    def in_a_dm(self) -> bool:
        """Whether the message is in the user's DMs with the bot."""
        return self.guild_id is None and not self.token_only

    @property
    def link(self) -> str:
        """The URL of the message, once its ID is known. `token_only` messages can't be opened."""
        place = f"{self.guild_id or '@me'}/{self.channel_id}"
        return f"https://discord.com/channels/{place}/{self.message_id}"

    def without_token(self) -> Self:
        """The same place, edited as the bot from now on."""
        return replace(self, token="", expires_at=0.0)

    def without_expired_token(self) -> Self:
        """The same place; a token that can no longer be used isn't kept."""
        return self if self.token_valid else replace(self, token="")

    def with_message(self, message_id: int | None) -> Self:
        """The same place, with the ID of the message."""
        return replace(self, message_id=message_id)

    def is_new_dm_after(self, earlier: Self) -> bool:
        """Whether this is a new DM in place of the `earlier` message; it notifies by itself."""
        edited = self.channel_id == earlier.channel_id and earlier.message_id in (
            None,
            self.message_id,
        )
        return self.guild_id is None and not edited

    def in_dm(self, channel_id: int) -> Self:
        """A new message in the user's DM channel, which the bot can edit without a token."""
        return replace(
            self,
            guild_id=None,
            channel_id=channel_id,
            message_id=None,
            token="",
            expires_at=0.0,
            upload_limit=discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES,
            private=True,
            token_only=False,
        )

    def to_json(self) -> dict[str, Any]:
        """The value that `from_json` reads. Its keys must stay: databases hold them."""
        value = asdict(self)
        return value | {"leased": value.pop("token_only")}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The place that `to_json` wrote, in this version or an older one."""
        value = dict(value)
        known = {each.name for each in fields(cls)}
        value = {"token_only": value.pop("leased", False)} | value
        return cls(**{name: each for name, each in value.items() if name in known})


def _begin(created_at: float) -> float:
    """When an interaction began that just arrived, by this machine's clock.

    Discord's clock says `created_at`; if they differ by more than the way takes, this one is wrong,
    and tokens would seem to have expired, or never to expire.
    """
    now = time.time()
    return created_at if abs(now - created_at) <= CLOCK_ERROR else now
