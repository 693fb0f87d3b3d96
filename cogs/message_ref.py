"""Home: where in Discord the answer to a job belongs. The engine keeps it as an opaque value."""

import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import discord

TOKEN_LIFETIME = 15 * 60.0
"""Seconds for which an interaction token can be used (Discord, "Receiving and Responding")."""

MARGIN = 10.0
"""Seconds before the end of a token at which it is no longer begun to be used."""

PARTING = 40.0
"""Seconds before the end of a token at which a message that only it can change says goodbye."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """The place of a job's message.

    Attributes:
        guild_id: The server; `None` in direct messages.
        channel_id: Its channel.
        message_id: The message; `None` until Discord has told its id.
        application_id: Whose webhook the token opens.
        token: The interaction's token: with it the message can be edited without permissions.
        expires_at: Epoch seconds at which the token ends.
        upload_limit: Bytes that may be attached to one message there.
        language: The language that its message speaks, one of `speech.LANGUAGES`.
        person: The id of the person whom it answers.
        private: Whether what is shown there is for that person alone.
        leased: Whether only the token leads to the message: it is ephemeral, or in a place that
            the bot itself is not in. What the token is too late for goes to the person directly.
    """

    guild_id: int | None
    channel_id: int
    message_id: int | None
    application_id: int
    token: str
    expires_at: float
    upload_limit: int
    language: str = "en"
    person: int = 0
    private: bool = False
    leased: bool = False

    @classmethod
    def of(
        cls,
        interaction: discord.Interaction,
        language: str,
        *,
        private: bool = False,
        leased: bool = False,
    ) -> Self:
        """The home of the message that will answer `interaction` in `language`."""
        assert interaction.channel_id is not None, "commands and buttons are used in a channel"
        return cls(
            guild_id=interaction.guild_id,
            channel_id=interaction.channel_id,
            message_id=None,
            application_id=interaction.application_id,
            token=interaction.token,
            expires_at=interaction.created_at.timestamp() + TOKEN_LIFETIME,
            upload_limit=interaction.filesize_limit,
            language=language,
            person=interaction.user.id,
            private=private,
            leased=leased,
        )

    @property
    def token_lives(self) -> bool:
        """Whether the token can still be used."""
        return time.time() < self.expires_at - MARGIN

    @property
    def until(self) -> float | None:
        """Epoch seconds until which the message can be changed; `None`: for good."""
        return self.expires_at if self.leased else None

    @property
    def seconds_to_parting(self) -> float | None:
        """Seconds until a leased message is to say goodbye; 0 when it is time, or too late."""
        return max(0.0, self.expires_at - PARTING - time.time()) if self.leased else None

    @property
    def link(self) -> str:
        """Address of the message, once its id is known; nothing leads to one that is leased."""
        place = f"{self.guild_id or '@me'}/{self.channel_id}"
        return f"https://discord.com/channels/{place}/{self.message_id}"

    def without_token(self) -> Self:
        """The same place, reachable only as the bot from now on."""
        return replace(self, expires_at=0.0)

    def at(self, message_id: int | None) -> Self:
        """The same channel, with the answer in this message."""
        return replace(self, message_id=message_id)

    def direct(self, channel_id: int) -> Self:
        """A new place: the conversation with the person, in which the bot is at home."""
        return replace(
            self,
            guild_id=None,
            channel_id=channel_id,
            message_id=None,
            expires_at=0.0,
            upload_limit=discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES,
            private=True,
            leased=False,
        )

    def to_json(self) -> dict[str, Any]:
        """The home as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The home that `to_json` wrote."""
        return cls(**value)
