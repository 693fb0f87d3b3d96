"""Which commands a client offers to whom, and finding one among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from discord import Permissions

from .command_rules import GROUP, SUBCOMMAND
from .errors import ClientRefuses, Json
from .permissions import in_channel

if TYPE_CHECKING:
    from .guilds import Channel
    from .people import Person


def context_of(channel: Channel) -> int:
    """The kind of place: a guild, the conversation with the bot, or one of people."""
    if channel.guild is not None:
        return 0
    return 2 if channel.kind == "group" else 1


def registered(channel: Channel) -> list[Json]:
    """The commands of a channel's guild, then the global ones."""
    commands = channel.world.commands
    own = commands.get(channel.guild.id, []) if channel.guild else []
    return [*own, *commands.get(None, [])]


def why_not(person: Person, channel: Channel, command: Json) -> str | None:
    """Why a command is not offered to them in a channel."""
    needed = command["default_member_permissions"]
    contexts = command.get("contexts")
    context = context_of(channel)
    if contexts is not None and context not in contexts:
        return "it is not for this context"
    theirs = person.user.installed and 1 in command["integration_types"]
    there = channel.guild.joined if channel.guild else context == 1
    if not theirs and not (there and 0 in command["integration_types"]):
        return "the app is not installed for that"
    if channel.guild is None:
        return None if person.can(channel, "view_channel") else "not their conversation"
    if not person.can(channel, "use_application_commands"):
        return "no application commands here"
    if command.get("nsfw") and not (channel.parent or channel).nsfw:
        return "it is for age-restricted channels"
    own = in_channel(channel, channel.guild.members[person.user.id])
    if needed is not None and not own.administrator:
        wanted = Permissions(int(needed))
        if not wanted.value or not own.is_superset(wanted):
            return "they lack the permissions"
    return None


def find_command(commands: Sequence[Json], name: str, kind: int) -> Json:
    """The registered command with this name; a guild's own comes before a global one."""
    for command in commands:
        if command["name"] == name and command["type"] == kind:
            return command
    known = ", ".join(sorted(each["name"] for each in commands if each["type"] == kind))
    raise ClientRefuses(f"there is no command {name!r} here; there is: {known or 'none'}")


def descend(command: Json, path: Sequence[str]) -> list[Json]:
    """The command and the groups and subcommand below it that `path` names."""
    chain = [command]
    for name in path:
        below = [each for each in chain[-1].get("options", []) if each["type"] in (1, 2)]
        chain += [each for each in below if each["name"] == name]
        if chain[-1]["name"] != name:
            raise ClientRefuses(f"{command['name']} has no subcommand {name!r}")
    if any(each["type"] in (SUBCOMMAND, GROUP) for each in chain[-1].get("options", [])):
        raise ClientRefuses(f"{' '.join([command['name'], *path])} needs a subcommand")
    return chain


def nest(chain: Sequence[Json], options: list[Json]) -> list[Json]:
    """Option payloads inside the subcommand and the group they belong to."""
    for part in reversed(chain[1:]):
        options = [{"name": part["name"], "type": part["type"], "options": options}]
    return options
