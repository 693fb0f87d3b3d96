"""Who may do what. Commands, buttons and modals all ask here."""

from typing import Any

import discord

from cogs.context import Client, Interaction
from cogs.message_ref import MessageRef
from cogs.policy.contexts import is_bot_dm, is_user_install
from cogs.policy.permissions import REQUIRED, title
from cogs.policy.server_settings import server_settings
from engine import AtelierError, Job
from speech import AND, listed, phrase, say

MAINTAINERS = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)
"""Roles in the application's team of those who may change it; the third can only read."""


MODELS_ARE_THE_OWNERS = phrase(
    "Only the bot's owner or members with a role in the owner's admin_roles setting can add "
    "and remove models."
)


BLOCKED = phrase(
    "Sorry, the moderators of this server have blocked you from using me. The block lasts "
    "until a moderator lifts it. If you think it's a mistake, contact one of them."
)

BLOCKED_UNTIL = phrase(
    "Sorry, the moderators of this server have blocked you from using me until <t:{at}:f>. If "
    "you think it's a mistake, contact one of them."
)


class Refused(AtelierError):
    """The person may not do that here; the text says why and what would help."""


def moderates(interaction: Interaction, job: Job) -> bool:
    """Whether the person may act on `job` as if it were their own.

    That takes a job of this server, and Manage Messages in the job's own channel, or a role in the
    setting `admin_roles`. In a channel that the bot does not know, only who asks there has a say.
    """
    message_ref = MessageRef.from_json(job.message_ref)
    if not _belongs_here(interaction, message_ref):
        return False
    return _permissions_at(interaction, message_ref).manage_messages or _has_admin_role(interaction)


def _belongs_here(interaction: Interaction, message_ref: MessageRef) -> bool:
    """Whether it is of the server in which somebody asks, and the bot is in it.

    What somebody may do in other servers is nothing to the bot: those have not let it in.
    """
    here = interaction.guild_id
    return here is not None and message_ref.guild_id == here and not is_user_install(interaction)


def _permissions_at(interaction: Interaction, message_ref: MessageRef) -> discord.Permissions:
    """What the person may do in a channel of this server."""
    if message_ref.channel_id == interaction.channel_id:
        return interaction.permissions
    assert interaction.guild is not None, "the home is in a server"
    channel = interaction.guild.get_channel_or_thread(message_ref.channel_id)
    if channel is None or not isinstance(interaction.user, discord.Member):
        return discord.Permissions.none()
    return channel.permissions_for(interaction.user)


def acting_as(interaction: Interaction, job: Job) -> str | None:
    """On whose behalf the person acts on `job`: their own, or anybody's (`None`)."""
    return None if moderates(interaction, job) else str(interaction.user.id)


def require_manager(interaction: Interaction) -> None:
    """Raise `Refused` unless the person may configure the bot in this server.

    That takes Manage Server, or a role in the setting `admin_roles`.
    """
    if not manages(interaction):
        raise Refused(
            say("You need the Manage Server permission, or a role chosen by the bot's owner.")
        )


def require_moderator(interaction: Interaction) -> None:
    """Raise `Refused` unless the person may keep order in this server.

    That takes Timeout Members, which no channel can give, or whatever `require_manager` takes.
    """
    if not _keeps_order(interaction):
        raise Refused(
            say(
                "You need the Timeout Members or Manage Server permission, or a role chosen by "
                "the bot's owner."
            )
        )


def may_release(interaction: Interaction, job: Job) -> bool:
    """Whether the person keeps order where the job belongs: `require_moderator`, of this server."""
    here = _belongs_here(interaction, MessageRef.from_json(job.message_ref))
    return here and _keeps_order(interaction)


def _keeps_order(interaction: Interaction) -> bool:
    if is_user_install(interaction):
        return False
    return interaction.permissions.moderate_members or manages(interaction)


def require_owner(interaction: Interaction, sentence: str | None = None) -> None:
    """Raise `Refused` with `sentence` unless the machine that the bot runs on is theirs to know.

    What fills and empties its disk is the same people's.

    That takes being the owner of the application, or one of its team who may change it, or a role
    in the setting `admin_roles`: who manages a server that the bot was invited to has no say here.
    """
    if not _owns(interaction.client.application, interaction.user.id) and not _has_admin_role(
        interaction
    ):
        raise Refused(sentence or say(MODELS_ARE_THE_OWNERS))


def _owns(application: discord.AppInfo | None, user_id: int) -> bool:
    """Whether the person is the owner; of a team, the owner, an admin or a developer."""
    assert application is not None, "the login has told it"
    if (team := application.team) is None:
        return application.owner.id == user_id
    return team.owner_id == user_id or any(
        member.id == user_id and member.role in MAINTAINERS for member in team.members
    )


def manages(interaction: Interaction) -> bool:
    """Whether the person may configure the bot in this server, which it is in."""
    if is_user_install(interaction):
        return False
    return interaction.permissions.manage_guild or _has_admin_role(interaction)


def can_manage(bot: Client, member: discord.Member) -> bool:
    """The same of a member who is not asking."""
    return member.guild_permissions.manage_guild or _is_trusted(bot, member)


def _has_admin_role(interaction: Interaction) -> bool:
    return _is_trusted(interaction.client, interaction.user)


def _is_trusted(bot: Client, person: discord.User | discord.Member) -> bool:
    roles = person.roles if isinstance(person, discord.Member) else []
    return any(role.id in bot.settings.admin_roles for role in roles)


def require_bot_permissions(interaction: discord.Interaction[Any]) -> None:
    """Raise `Refused` when the bot could not deliver a picture in this channel of a server."""
    in_thread = isinstance(interaction.channel, discord.Thread)
    spare = "send_messages" if in_thread else "send_messages_in_threads"
    missing = [
        title(name)
        for name, needed in REQUIRED
        if needed and name != spare and not getattr(interaction.app_permissions, name)
    ]
    if missing:
        raise Refused(
            say(
                "I can't paint in this channel: I'm missing {permissions}. Someone who manages "
                "it can grant that in the channel's permissions.",
                permissions=listed(missing, AND),
            )
        )


async def require_postable_channel(interaction: Interaction, *, ephemeral: bool = False) -> None:
    """Raise `Refused` when the server does not want pictures in this channel, or I cannot paint.

    A thread counts as the channel that it is in. An ephemeral answer takes no permissions, nor
    does one where the bot is not itself; servers that it is not in have decided nothing.
    """
    if is_bot_dm(interaction) or is_user_install(interaction):
        return
    if not ephemeral:
        require_bot_permissions(interaction)
    settings = await server_settings(interaction.client.studio, f"guild:{interaction.guild_id}")
    parent = getattr(interaction.channel, "parent_id", None)
    if settings.channels and not {interaction.channel_id, parent} & set(settings.channels):
        named = ", ".join(f"<#{channel}>" for channel in settings.channels)
        raise Refused(say("This server only allows painting in {channels}.", channels=named))


async def require_unblocked(interaction: Interaction) -> None:
    """Raise `Refused` when the person is blocked in this server; who manages it never is."""
    if interaction.guild_id is None or is_user_install(interaction) or manages(interaction):
        return
    moderation = interaction.client.studio.moderation
    block = await moderation.blocked(f"guild:{interaction.guild_id}", str(interaction.user.id))
    if block is not None:
        if block.until is None:
            raise Refused(say(BLOCKED))
        raise Refused(say(BLOCKED_UNTIL, at=int(block.until) + 1))


async def require_access(interaction: Interaction) -> None:
    """Raise `Refused` when nothing at all is to be done for the person now."""
    require_running(interaction.client)
    await require_unblocked(interaction)


def require_running(bot: Client) -> None:
    """Raise `Refused` while the bot is on its way out."""
    if bot.leaving:
        raise Refused(say("I'm restarting. Try again in a minute; queued jobs are kept."))
