"""Everything the server knows. It outlives every session of the bot."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from . import message_payloads, payloads
from .changes import Changes
from .errors import Json, unknown
from .guilds import Channel, Guild, User
from .messages import Attachment, Message
from .permissions import in_channel
from .record import Record
from .snowflakes import Snowflakes

if TYPE_CHECKING:
    from .interactions import Interaction

Publish = Callable[[str, Json, Guild | None], None]


@dataclass
class World:
    """The state: guilds, channels, messages, commands, interactions, and the bot's account."""

    acknowledge_within: float = 3.0
    team: dict[str, str] = field(default_factory=dict)
    """Names of the accounts that the application belongs to besides its owner, and their roles:
    `admin`, `developer` or `read_only`. With anybody in it, the application is a team's."""
    token_lifetime: float = 900.0
    installs: tuple[int, ...] = (0, 1)
    """For what the application can be installed: guilds (0), people (1)."""
    upload_limit: int = 10 * 1024 * 1024
    """For direct messages, and for guilds that set no other."""
    shards: int = 1
    """How many shards the bot is told to open."""
    origin: str = ""
    """``http://127.0.0.1:PORT`` once the server listens."""
    gateway_url: str = ""
    changes: Changes = field(default_factory=Changes)
    record: Record = field(default_factory=Record)
    snowflakes: Snowflakes = field(default_factory=Snowflakes)
    guilds: dict[int, Guild] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    """Ids of channels and guilds that once were."""
    messages: dict[int, Message] = field(default_factory=dict)
    users: dict[int, User] = field(default_factory=dict)
    files: dict[int, Attachment] = field(default_factory=dict)
    commands: dict[int | None, list[Json]] = field(default_factory=dict)
    """Registered commands: the global ones under None, a guild's under its id."""
    interactions: dict[str, Interaction] = field(default_factory=dict)
    """By token."""

    def __post_init__(self) -> None:
        self.bot = User(self.snowflakes.next(), "atelier", bot=True)
        self.application_id = self.bot.id
        self.users[self.bot.id] = self.bot
        account = base64.urlsafe_b64encode(str(self.application_id).encode()).decode().rstrip("=")
        self.token = f"{account}.{secrets.token_hex(3)}.{secrets.token_urlsafe(27)}"
        self.publish: Publish = lambda event, data, guild: None
        self.offer: Callable[[Interaction], Callable[[], bool] | None] = lambda interaction: None
        """Hands an interaction to the bot; None when no bot is there to take it, else a
        function that says whether the same connection still stands."""

    @property
    def now(self) -> float:
        """Seconds on the loop's clock, which every moment in the record is measured by."""
        return asyncio.get_running_loop().time()

    def user_named(self, name: str, locale: str) -> User:
        """The account with this name, opened when there is none."""
        for user in self.users.values():
            if user.name == name and not user.bot:
                return user
        user = User(self.snowflakes.next(), name, locale=locale)
        self.users[user.id] = user
        return user

    def dm_with(self, user: User) -> Channel:
        """The conversation between a person and the bot."""
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        channel = Channel(self, user.name, None, kind="dm", recipient=user)
        self.channels[channel.id] = channel
        return channel

    def group_of(self, name: str, people: Iterable[User]) -> Channel:
        """A conversation of people, which the bot is not in."""
        channel = Channel(self, name, None, kind="group", people=people)
        self.channels[channel.id] = channel
        return channel

    def knows(self, user: User) -> bool:
        """Whether the bot may write to somebody, if they let it."""
        return user.installed or any(user.id in each.members for each in self.guilds.values())

    def channel(self, id_: int) -> Channel:
        """The channel with this id, or 10003."""
        if id_ not in self.channels:
            raise unknown("Channel", existed=id_ in self.gone)
        return self.channels[id_]

    def guild(self, id_: int) -> Guild:
        """The guild with this id, or 10004."""
        if id_ not in self.guilds:
            raise unknown("Guild", existed=id_ in self.gone)
        return self.guilds[id_]

    def message(self, channel: Channel, id_: int) -> Message:
        """The message as the bot reaches it through the channel: ephemeral ones it does not."""
        message = self.messages.get(id_)
        if message is None or message.channel is not channel or message.ephemeral:
            raise unknown("Message")
        if message.deleted:
            raise unknown("Message", existed=True)
        return message

    def add_file(self, channel: Channel, filename: str, data: bytes) -> Attachment:
        """Put a file on the CDN."""
        id_ = self.snowflakes.next()
        url = f"{self.origin}/attachments/{channel.id}/{id_}/{filename}"
        file = self.files[id_] = Attachment(id_, filename, data, url)
        file.url = f"{self.origin}/attachments/{channel.id}/{id_}/{file.filename}"
        return file

    def new_message(self, channel: Channel, author: User) -> Message:
        """A message that is not yet anywhere; `post_message` puts it in its channel."""
        return Message(self.snowflakes.next(), channel, author, datetime.now(UTC))

    def post_message(self, message: Message) -> None:
        """Show a new message to people and, unless it is ephemeral, to the bot."""
        message.remember(self.now)
        message.channel.history.append(message)
        self.messages[message.id] = message
        self._tell("MESSAGE_CREATE", message)

    def edited_message(self, message: Message, *, filled: bool = False) -> None:
        """A message changed; `filled`: the answer replaced "… is thinking", which is no edit."""
        if not filled:
            message.edited = datetime.now(UTC)
        message.remember(self.now)
        self._tell("MESSAGE_UPDATE", message)

    def delete_message(self, message: Message) -> None:
        """A message goes away."""
        message.deleted = True
        data: Json = {"id": str(message.id), "channel_id": str(message.channel.id)}
        if message.channel.guild is not None:
            data["guild_id"] = str(message.channel.guild.id)
        if self._bot_hears_of(message):
            self.publish("MESSAGE_DELETE", data, message.channel.guild)
        self.changes.ring()

    def forget_channel(self, channel: Channel) -> None:
        """A channel goes away, its threads and messages with it."""
        self.channels.pop(channel.id, None)
        if channel.guild is not None:
            channel.guild.channels.pop(channel.id, None)
        self.gone.add(channel.id)
        for message in channel.history:
            message.deleted = True
        for thread in [each for each in self.channels.values() if each.parent is channel]:
            self.forget_channel(thread)
        self.changes.ring()

    def _bot_hears_of(self, message: Message) -> bool:
        channel = message.channel
        if channel.kind == "group":
            return False
        bot = channel.guild.bot if channel.guild else None
        return not message.ephemeral and in_channel(channel, bot).view_channel

    def _tell(self, event: str, message: Message) -> None:
        guild = message.channel.guild
        if self._bot_hears_of(message):
            own = message.author is self.bot or guild is None or str(self.bot.id) in message.pings
            data = message_payloads.message(message, readable=own)
            author = guild.members.get(message.author.id) if guild else None
            if guild is not None:
                data["guild_id"] = str(guild.id)
            if author is not None:
                data["member"] = payloads.member(author, with_user=False)
            self.publish(event, data, guild)
        self.changes.ring()
