"""One interaction: what the bot is told, how it answered, how long its token lives."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import message_payloads, payloads
from .errors import Json
from .messages import Message
from .offers import context_of, registered
from .permissions import app_permissions, in_channel

if TYPE_CHECKING:
    from .guilds import Channel
    from .modals import Modal
    from .people import Person
    from .world import World

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
NO_RESPONSE = "The application did not respond"


@dataclass(eq=False)
class Interaction:
    """Something a person did that the bot must acknowledge within 3 seconds."""

    world: World
    type: int
    person: Person
    channel: Channel
    data: Json
    name: str
    """For people: ``/imagine``, ``button Again``, ``modal Describe``."""
    message: Message | None = None
    """The message whose component was used."""
    trigger: Interaction | None = None
    """What opened the modal."""
    id: int = 0
    token: str = field(default_factory=lambda: "aW50ZXJhY3Rpb24" + secrets.token_urlsafe(96))
    offered_at: float = 0.0
    acknowledged_at: float | None = None
    response: int | None = None
    """The type of the response: 4 message, 5 deferred, 6 deferred update, 7 update, …"""
    answer: Json | None = None
    """The body of the response."""
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    modal: Modal | None = None
    choices: list[Json] | None = None
    failed: str | None = None
    """What the person's client says when the bot did not respond."""
    revoked: bool = False

    def __post_init__(self) -> None:
        self.id = self.world.snowflakes.next()
        self.application_id = self.world.application_id

    @property
    def token_expired(self) -> bool:
        """Its token no longer works."""
        return self.revoked or self.world.now > self.offered_at + self.world.token_lifetime

    def start(self) -> None:
        """Hand it to the bot and set the clock; without a bot it fails at once."""
        world = self.world
        self.offered_at = world.now
        world.interactions[self.token] = self
        connected = world.offer(self)
        if connected is None:
            self.failed = NO_RESPONSE
            world.changes.ring()
            return

        def deadline() -> None:
            if self.acknowledged_at is not None:
                return
            self.failed = NO_RESPONSE
            if connected():
                text = f"interaction not acknowledged within {world.acknowledge_within:g} s"
                world.record.violation(10062, f"{self.name}: {text}")
            world.changes.ring()

        asyncio.get_running_loop().call_later(world.acknowledge_within, deadline)

    def acknowledge(self, response: int) -> None:
        """The bot responded."""
        self.acknowledged_at = self.world.now
        self.response = response
        self.world.changes.ring()

    def owners(self) -> dict[str, str]:
        """`authorizing_integration_owners`: the guild that has the app, and who has it for
        themselves; on a message, whoever had it there."""
        guild, owners = self.channel.guild, {}
        if guild is None or guild.joined:
            owners["0"] = str(guild.id) if guild else "0"
        if self.channel.kind == "group":
            del owners["0"]
        used = self.message.interaction if self.message else None
        by = used.owners().get("1") if used else None
        if used is None and self.person.user.installed and 1 in self.installs:
            by = str(self.person.user.id)
        return owners | ({"1": by} if by else {})

    @property
    def installs(self) -> list[int]:
        """The kinds of installation that its command is for; of what is no command, all."""
        for command in registered(self.channel):
            if command["id"] == self.data.get("id"):
                return list(command["integration_types"])
        return [0, 1]

    @property
    def borrowed(self) -> bool:
        """Nobody but the person has the app there: Discord takes only five follow-ups."""
        return self.owners().keys() == {"1"}

    @property
    def hidden(self) -> bool:
        """Discord shows all answers to the person alone: they may not speak there, or not by
        means of apps that the guild does not have."""
        guild = self.channel.guild
        if guild is None or not self.borrowed:
            return False
        theirs = in_channel(self.channel, guild.members[self.person.user.id])
        return not (theirs.send_messages and theirs.use_external_apps)

    def metadata(self) -> Json:
        """`interaction_metadata` for the messages that answer it."""
        metadata: Json = {
            "id": str(self.id),
            "type": self.type,
            "user": payloads.user(self.person.user),
            "authorizing_integration_owners": self.owners(),
        }
        if self.type == COMPONENT and self.message is not None:
            metadata["interacted_message_id"] = str(self.message.id)
        if self.type == MODAL_SUBMIT and self.trigger is not None:
            metadata["triggering_interaction_metadata"] = self.trigger.metadata()
        return metadata

    def payload(self) -> Json:
        """INTERACTION_CREATE, in full."""
        guild, channel = self.channel.guild, self.channel
        limit = guild.attachment_size_limit if guild else self.world.upload_limit
        payload: Json = {
            "id": str(self.id),
            "application_id": str(self.application_id),
            "type": self.type,
            "data": self.data,
            "token": self.token,
            "version": 1,
            "channel_id": str(channel.id),
            "channel": payloads.channel(channel),
            "app_permissions": str(app_permissions(channel, self.person).value),
            "locale": self.person.user.locale,
            "entitlements": [],
            "entitlement_sku_ids": [],
            "authorizing_integration_owners": self.owners(),
            "context": context_of(channel),
            "attachment_size_limit": limit,
        }
        if guild is not None:
            member = guild.members[self.person.user.id]
            payload["channel"]["permissions"] = str(in_channel(channel, member).value)
            payload |= {
                "guild_id": str(guild.id),
                "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
                "guild_locale": guild.locale,
                "member": payloads.member(member, channel),
            }
        else:
            payload["user"] = payloads.user(self.person.user)
        if self.message is not None:
            payload["message"] = message_payloads.message(self.message)
        return payload

    def describe(self) -> str:
        """What the person did, as they would type it."""
        values = _values(self.data.get("options", []))
        return " ".join([self.name, *(f"{key}:{value}" for key, value in values.items())])


def _values(options: list[Json]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for option in options:
        values |= _values(option["options"]) if "options" in option else {}
        if "value" in option:
            values[option["name"]] = option["value"]
    return values
