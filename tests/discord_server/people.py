"""What a person can do: only what their Discord client would let them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import message_payloads
from .control_rules import LINK
from .errors import ClientRefuses, Json
from .interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT, Interaction
from .messages import Message
from .modals import RESOLVED_KINDS, Modal
from .offers import descend, find_command, nest, registered, why_not
from .options import Filling
from .permissions import in_channel
from .uploads import Upload
from .uses import Choice, Use

if TYPE_CHECKING:
    from .guilds import Channel, Guild, Member, User
    from .world import World


class Person:
    """Somebody with an account, in a guild; acts there and in their conversation with the bot."""

    def __init__(self, world: World, guild: Guild, user: User) -> None:
        self.world = world
        self.guild = guild
        self.user = user

    @property
    def name(self) -> str:
        """The account's name."""
        return self.user.name

    @property
    def mention(self) -> str:
        """How a message mentions them."""
        return f"<@{self.user.id}>"

    @property
    def locale(self) -> str:
        """The language of their client, ``en-US`` unless set; every interaction tells it."""
        return self.user.locale

    @locale.setter
    def locale(self, locale: str) -> None:
        self.user.locale = locale

    @property
    def dm(self) -> Channel:
        """Their conversation with the bot."""
        return self.world.dm_with(self.user)

    def sees(self, message: Message) -> bool:
        """Whether the message is on their screen."""
        if message.deleted or not self.can(message.channel, "view_channel"):
            return False
        if not message.ephemeral:
            return True
        used = message.interaction
        return used is not None and used.person.user is self.user

    def can(self, channel: Channel, permission: str) -> bool:
        """Whether they have a permission in a channel."""
        if channel.guild is None:
            return channel.recipient is self.user or self.user in channel.people
        if channel.id not in self.world.channels:
            return False
        member = channel.guild.members.get(self.user.id)
        return member is not None and bool(getattr(in_channel(channel, member), permission))

    async def say(
        self,
        channel: Channel,
        content: str = "",
        *,
        files: Sequence[Upload] = (),
        reply_to: Message | None = None,
    ) -> Message:
        """Write a message, or a reply, which notifies its author as the client does by default."""
        thread = channel.kind == "thread"
        if not self.can(channel, "send_messages_in_threads" if thread else "send_messages"):
            raise ClientRefuses(f"{self.name} cannot write in {channel.name}")
        if not content and not files:
            raise ClientRefuses("an empty message cannot be sent")
        message = self.world.new_message(channel, self.user)
        message.content = content
        if reply_to is not None:
            self._must_see(reply_to)
            message.reference, message.type = reply_to, 19
        mentioned = re.findall(r"<@!?(\d+)>", content)
        mentioned += [str(reply_to.author.id)] if reply_to is not None else []
        message.pings = list(dict.fromkeys(mentioned))
        message.attachments = [
            self.world.add_file(channel, file.filename, file.data) for file in files
        ]
        self.world.post_message(message)
        return message

    async def slash(self, channel: Channel, command: str, /, **options: Any) -> Use:
        """Use a slash command, ``"imagine"`` or ``"model use"``; returns once it is acknowledged.

        Options take text, numbers, booleans, members, roles, channels and `Upload`s.
        """
        chain, filling = self._command(channel, command)
        filled = filling.fill(chain[-1].get("options", []), options)
        data = self._command_data(chain[0], filling) | {"options": nest(chain, filled)}
        return await self._use(COMMAND, channel, data, f"/{command}")

    async def autocomplete(
        self, channel: Channel, command: str, option: str, typed: str, /, **others: Any
    ) -> list[Choice]:
        """What the client offers while `typed` is in an option."""
        chain, filling = self._command(channel, command)
        specs = {spec["name"]: spec for spec in chain[-1].get("options", [])}
        if not specs.get(option, {}).get("autocomplete"):
            raise ClientRefuses(f"{command} does not complete {option!r}")
        filled = filling.some(chain[-1]["options"], others)
        kind = specs[option]["type"]
        filled.append({"name": option, "type": kind, "value": typed, "focused": True})
        data = self._command_data(chain[0], filling) | {"options": nest(chain, filled)}
        use = await self._use(AUTOCOMPLETE, channel, data, f"/{command} {option}:")
        if use.failed:
            raise AssertionError(f"{use.interaction.describe()}: loading options failed")
        return [Choice(each["name"], each["value"]) for each in use.interaction.choices or []]

    async def use_on_message(self, message: Message, command: str) -> Use:
        """Use a command from the context menu of a message."""
        self._must_see(message)
        found, filling = self._menu(message.channel, command, 3)
        filling.resolved["messages"] = {str(message.id): message_payloads.message(message)}
        data = self._command_data(found, filling) | {"target_id": str(message.id)}
        return await self._use(COMMAND, message.channel, data, command)

    async def use_on_user(self, channel: Channel, member: Member, command: str) -> Use:
        """Use a command from the context menu of a person."""
        found, filling = self._menu(channel, command, 2)
        target = filling.point_to(6, "user", member)
        data = self._command_data(found, filling) | {"target_id": target}
        return await self._use(COMMAND, channel, data, command)

    async def click(
        self, message: Message, *, label: str | None = None, custom_id: str | None = None
    ) -> Use:
        """Press the one enabled button with this label or custom_id."""
        button = self._component(message, message.buttons, label=label, custom_id=custom_id)
        if button["style"] == LINK:
            raise ClientRefuses(f"{label!r} is a link")
        data = {"component_type": 2, "custom_id": button["custom_id"], "id": button["id"]}
        name = f"[{button.get('label') or (button.get('emoji') or {}).get('name')}]"
        return await self._use(COMPONENT, message.channel, data, name, message=message)

    async def select(
        self,
        message: Message,
        *values: Any,
        custom_id: str | None = None,
        placeholder: str | None = None,
    ) -> Use:
        """Pick from a select menu, by value or label; members, roles or channels for theirs."""
        menu = self._component(message, message.selects, custom_id=custom_id, label=placeholder)
        filling = Filling(self.world, message.channel)
        low = 1 if menu.get("min_values") is None else menu["min_values"]
        if not low <= len(values) <= (menu.get("max_values") or 1):
            raise ClientRefuses(f"{len(values)} values cannot be picked")
        picked = [self._picked(menu, value, filling) for value in values]
        data: Json = {"component_type": menu["type"], "custom_id": menu["custom_id"]}
        data |= {"id": menu["id"], "values": picked}
        if filling.resolved:
            data["resolved"] = filling.resolved
        name = f"[{menu.get('placeholder') or menu['custom_id']}: {', '.join(picked)}]"
        return await self._use(COMPONENT, message.channel, data, name, message=message)

    async def submit(self, modal: Modal, values: Mapping[str, Any]) -> Use:
        """Fill in a modal, by label or custom_id, and send it; prefilled fields keep theirs."""
        opened = modal.interaction
        if opened.person.user is not self.user:
            raise ClientRefuses(f"the modal is in front of {opened.person.name}")
        if modal.submitted:
            raise ClientRefuses("the modal was submitted and is gone")
        filling = Filling(self.world, opened.channel)
        parts = modal.fill(values, filling)
        data: Json = {"custom_id": modal.data["custom_id"], "components": parts}
        data["resolved"] = filling.resolved
        use = await self._use(
            MODAL_SUBMIT,
            opened.channel,
            data,
            f"<{modal.title}>",
            message=opened.message,
            trigger=opened,
        )
        modal.submitted = use.failed is None
        return use

    def commands(self, channel: Channel) -> list[Json]:
        """The commands their client offers them in a channel."""
        return [each for each in registered(channel) if not why_not(self, channel, each)]

    def _command(self, channel: Channel, name: str) -> tuple[list[Json], Filling]:
        root, *path = name.split()
        return descend(self._found(channel, root, 1), path), Filling(self.world, channel)

    def _menu(self, channel: Channel, name: str, kind: int) -> tuple[Json, Filling]:
        return self._found(channel, name, kind), Filling(self.world, channel)

    def _found(self, channel: Channel, name: str, kind: int) -> Json:
        command = find_command(registered(channel), name, kind)
        if reason := why_not(self, channel, command):
            raise ClientRefuses(f"{self.name} cannot use {name}: {reason}")
        return command

    def _command_data(self, command: Json, filling: Filling) -> Json:
        data = {"id": command["id"], "name": command["name"], "type": command["type"]}
        if command.get("guild_id"):
            data["guild_id"] = command["guild_id"]
        if filling.resolved:
            data["resolved"] = filling.resolved
        return data

    def _must_see(self, message: Message) -> None:
        if not self.sees(message):
            raise ClientRefuses(f"{self.name} does not see this message")

    def _component(
        self, message: Message, parts: list[Json], *, label: str | None, custom_id: str | None
    ) -> Json:
        self._must_see(message)
        found = [
            part
            for part in parts
            if (custom_id is None or part.get("custom_id") == custom_id)
            and label in (None, part.get("label"), part.get("placeholder"), _emoji_of(part))
        ]
        wanted = label or custom_id or "component"
        if len(found) != 1:
            names = [part.get("label") or part.get("custom_id") for part in parts]
            raise ClientRefuses(f"{len(found)} components match {wanted!r} among {names}")
        if found[0].get("disabled"):
            raise ClientRefuses(f"{wanted!r} is disabled")
        return found[0]

    def _picked(self, menu: Json, value: Any, filling: Filling) -> str:
        if menu["type"] in RESOLVED_KINDS:
            kind = RESOLVED_KINDS[menu["type"]]
            return filling.point_to(kind, menu["custom_id"], value, menu.get("channel_types"))
        for option in menu["options"]:
            if value in (option["value"], option["label"]):
                return str(option["value"])
        raise ClientRefuses(f"{value!r} is not in the menu")

    async def _use(
        self,
        kind: int,
        channel: Channel,
        data: Json,
        name: str,
        *,
        message: Message | None = None,
        trigger: Interaction | None = None,
    ) -> Use:
        interaction = Interaction(
            self.world, kind, self, channel, data, name, message=message, trigger=trigger
        )
        interaction.start()
        await self.world.changes.until(
            lambda: interaction.acknowledged_at is not None or interaction.failed,
            self.world.acknowledge_within + 1,
        )
        return Use(interaction)


def _emoji_of(part: Json) -> str | None:
    emoji = part.get("emoji") or {}
    return emoji.get("name")
