"""The places and the people: users, roles, members, channels, guilds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from discord import Permissions

from . import payloads, permissions
from .messages import Message
from .people import Person

if TYPE_CHECKING:
    from .world import World


@dataclass(eq=False)
class User:
    """An account."""

    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"
    refuses_dms: bool = False
    installed: bool = False
    """Has installed the application for themselves."""


@dataclass(eq=False)
class Role:
    """A role of a guild; `bot_id` marks the role that comes with a bot."""

    id: int
    name: str
    permissions: Permissions
    position: int = 0
    bot_id: int | None = None


@dataclass(frozen=True, slots=True)
class Overwrite:
    """What a channel allows and denies to one role or one member."""

    kind: int
    allow: Permissions = field(default_factory=Permissions.none)
    deny: Permissions = field(default_factory=Permissions.none)


class Member(Person):
    """A person in a guild, who acts through the methods of `Person`."""

    def __init__(self, world: World, guild: Guild, user: User, roles: Iterable[Role]) -> None:
        super().__init__(world, guild, user)
        self.roles = list(roles)

    @property
    def permissions(self) -> Permissions:
        """What they may do in the guild as a whole."""
        return permissions.in_guild(self)


class Channel:
    """A text channel, a thread, a conversation with the bot, or one of people (`group`)."""

    def __init__(
        self,
        world: World,
        name: str,
        guild: Guild | None,
        *,
        kind: str = "text",
        nsfw: bool = False,
        parent: Channel | None = None,
        recipient: User | None = None,
        people: Iterable[User] = (),
    ) -> None:
        self.world = world
        self.people = list(people)
        self.id = world.snowflakes.next()
        self.name = name
        self.guild = guild
        self.kind = kind
        self.nsfw = nsfw
        self.parent = parent
        self.recipient = recipient
        self.overwrites: dict[int, Overwrite] = {}
        self.history: list[Message] = []
        self.typing = 0
        self.archived = self.locked = False

    @property
    def messages(self) -> list[Message]:
        """What everybody in the channel sees, oldest first: nothing deleted, nothing ephemeral."""
        return [each for each in self.history if not each.deleted and not each.ephemeral]

    def seen_by(self, person: Person) -> list[Message]:
        """What one person sees: ephemeral answers to them included."""
        return [each for each in self.history if person.sees(each)]

    def overwrite(
        self,
        target: Role | Person,
        *,
        allow: Permissions | None = None,
        deny: Permissions | None = None,
    ) -> None:
        """Set what this channel allows and denies a role or a member; the bot hears of it."""
        kind = 0 if isinstance(target, Role) else 1
        id_ = target.id if isinstance(target, Role) else target.user.id
        none = Permissions.none()
        self.overwrites[id_] = Overwrite(kind, allow or none, deny or none)
        self.world.publish("CHANNEL_UPDATE", payloads.channel(self), self.guild)

    def deny_bot(self, *names: str) -> None:
        """Take permissions (``attach_files``, ``view_channel``, …) from the bot in here.

        Without names everything is given back.
        """
        assert self.guild is not None
        deny = Permissions(**dict.fromkeys(names, True))
        self.overwrite(self.guild.bot, deny=deny)

    def archive(self, *, locked: bool = False) -> None:
        """Close this thread; the bot hears of it. A new message opens it again unless `locked`."""
        assert self.kind == "thread"
        self.archived, self.locked = True, locked
        self.world.publish("THREAD_UPDATE", payloads.channel(self), self.guild)

    async def delete(self, message: Message) -> None:
        """Delete a message behind the bot's back."""
        self.world.delete_message(message)


class Guild:
    """A guild, with the bot in it if it has `joined`; made by `DiscordServer.add_guild`."""

    def __init__(
        self, world: World, name: str, *, locale: str = "en-US", joined: bool = True
    ) -> None:
        self.world = world
        self.joined = joined
        self.id = world.snowflakes.next()
        self.name = name
        self.locale = locale
        self.attachment_size_limit = world.upload_limit
        self.everyone = Role(self.id, "@everyone", Permissions(permissions.EVERYONE.value))
        self.roles: dict[int, Role] = {self.id: self.everyone}
        self.members: dict[int, Member] = {}
        self.channels: dict[int, Channel] = {}
        self.system_channel: Channel | None = None
        bot = world.bot
        role = Role(
            world.snowflakes.next(), bot.name, Permissions(permissions.BOT.value), 1, bot_id=bot.id
        )
        self.owner: Member | None = None
        self.owner = self.add_member("owner")
        self.bot = Member(world, self, bot, [role])
        if joined:
            self.roles[role.id] = role
            self.members[bot.id] = self.bot

    def add_role(self, name: str, permissions: Permissions | None = None) -> Role:
        """A new role, above the others."""
        role = Role(self.world.snowflakes.next(), name, permissions or Permissions.none())
        role.position = len(self.roles)
        self.roles[role.id] = role
        data = {"guild_id": str(self.id), "role": payloads.role(role)}
        self.world.publish("GUILD_ROLE_CREATE", data, self)
        return role

    def add_member(
        self,
        name: str,
        *,
        roles: Iterable[Role] = (),
        permissions: Permissions | None = None,
        locale: str = "en-US",
    ) -> Member:
        """A person joins; the same name in two guilds is the same account.

        `permissions` come as a role of their own, as they would have to in Discord.
        """
        user = self.world.user_named(name, locale)
        own = list(roles)
        if permissions is not None:
            own.append(self.add_role(f"{name}'s", permissions))
        member = self.members[user.id] = Member(self.world, self, user, own)
        return member

    def add_channel(
        self, name: str, *, kind: str = "text", nsfw: bool = False, parent: Channel | None = None
    ) -> Channel:
        """A new channel; a thread needs its `parent`."""
        channel = Channel(self.world, name, self, kind=kind, nsfw=nsfw, parent=parent)
        self.channels[channel.id] = self.world.channels[channel.id] = channel
        data = payloads.channel(channel)
        if kind == "thread":
            self.world.publish("THREAD_CREATE", data | {"newly_created": True}, self)
        else:
            self.world.publish("CHANNEL_CREATE", data, self)
        return channel

    def remove_channel(self, channel: Channel) -> None:
        """Delete a channel and everything in it behind the bot's back."""
        self.world.forget_channel(channel)
        event = "THREAD_DELETE" if channel.kind == "thread" else "CHANNEL_DELETE"
        self.world.publish(event, payloads.channel(channel), self)
