"""Who may do what in a channel: Discord's permission arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import Permissions

if TYPE_CHECKING:
    from .guilds import Channel, Member
    from .people import Person

EVERYONE = Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    create_public_threads=True,
    embed_links=True,
    attach_files=True,
    read_message_history=True,
    use_application_commands=True,
    use_external_apps=True,
)
"""What a person may do in a new guild."""

BOT = EVERYONE | Permissions(use_external_emojis=True, add_reactions=True)
"""What the invitation link of the bot asks for."""

IN_DIRECT_MESSAGES = EVERYONE | Permissions(use_external_emojis=True, mention_everyone=True)
"""What nobody checks, but for people who refuse direct messages."""

TOLD_AMONG_PEOPLE = Permissions(attach_files=True, embed_links=True, mention_everyone=True)
TOLD_IN_DIRECT_MESSAGES = TOLD_AMONG_PEOPLE | Permissions(use_external_emojis=True)
"""`app_permissions` of interactions outside of guilds: that much and no more."""


def in_guild(member: Member) -> Permissions:
    """Permissions before any channel has its say."""
    if member.guild.owner is member:
        return Permissions.all()
    value = member.guild.everyone.permissions.value
    for role in member.roles:
        value |= role.permissions.value
    permissions = Permissions(value)
    return Permissions.all() if permissions.administrator else permissions


def in_channel(channel: Channel, member: Member | None) -> Permissions:
    """Permissions in a channel, overwrites applied; a thread takes its parent's."""
    if channel.guild is None or member is None:
        return IN_DIRECT_MESSAGES
    if member.user.id not in member.guild.members:
        return Permissions.none()
    base = in_guild(member)
    if base.administrator:
        return base
    overwrites = (channel.parent or channel).overwrites
    value = base.value
    roles = {role.id for role in member.roles}
    own = overwrites.get(member.guild.everyone.id)
    if own is not None:
        value = (value & ~own.deny.value) | own.allow.value
    of_roles = [overwrite for id_, overwrite in overwrites.items() if id_ in roles]
    for overwrite in of_roles:
        value &= ~overwrite.deny.value
    for overwrite in of_roles:
        value |= overwrite.allow.value
    own = overwrites.get(member.user.id)
    if own is not None:
        value = (value & ~own.deny.value) | own.allow.value
    permissions = Permissions(value)
    return permissions if permissions.view_channel else Permissions.none()


def app_permissions(channel: Channel, person: Person) -> Permissions:
    """What an interaction tells the bot that it may do there.

    Where the bot is not a member, that is bounded by what whoever brought it along may do.
    """
    if channel.guild is not None:
        guild = channel.guild
        return in_channel(channel, guild.bot if guild.joined else guild.members[person.user.id])
    return TOLD_AMONG_PEOPLE if channel.kind == "group" else TOLD_IN_DIRECT_MESSAGES
