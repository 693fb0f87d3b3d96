"""Who may do what: the checks of commands, buttons and modals."""

from collections.abc import Iterable
from typing import Any

import discord

from cogs.context import Client, Interaction
from cogs.markdown import Markdown
from cogs.message_ref import MessageRef
from cogs.policy.contexts import is_bot_dm, is_user_install
from cogs.policy.permissions import REQUIRED_PERMISSIONS, missing_permissions
from cogs.policy.request_context import request_context, settings_in
from engine import AtelierError, Block, Job
from speech import AND, join_list, phrase, say

MAINTAINERS = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)
"""The roles in a Discord team whose members may change the application."""


OWNER_ONLY = phrase(
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
    """The user may not do that here; the text says why and what would help."""


def moderates(interaction: Interaction, job: Job) -> bool:
    """Whether the user may act on `job` as if it were their own.

    That takes a job of this server, and either Manage Messages in the job's channel or a role in
    the setting `admin_roles`. The permissions in a channel that the bot can't see are known only
    to interactions in that channel.
    """
    message_ref = MessageRef.from_json(job.message_ref)
    if not _belongs_here(interaction, message_ref):
        return False
    return _permissions_at(interaction, message_ref).manage_messages or _has_admin_role(interaction)


def _belongs_here(interaction: Interaction, message_ref: MessageRef) -> bool:
    """Whether the message is in the interaction's server, and the bot is a member of it.

    Permissions in servers that haven't added the bot don't count.
    """
    here = interaction.guild_id
    return here is not None and message_ref.guild_id == here and not is_user_install(interaction)


def _permissions_at(interaction: Interaction, message_ref: MessageRef) -> discord.Permissions:
    """The user's permissions in the message's channel, in this server."""
    if message_ref.channel_id == interaction.channel_id:
        return interaction.permissions
    assert interaction.guild is not None, "the message is in a server"
    channel = interaction.guild.get_channel_or_thread(message_ref.channel_id)
    if channel is None or not isinstance(interaction.user, discord.Member):
        return discord.Permissions.none()
    return channel.permissions_for(interaction.user)


def acting_as(interaction: Interaction, job: Job) -> str | None:
    """The user whose jobs the user may act on: their own ID, or `None` for anyone's."""
    return None if moderates(interaction, job) else str(interaction.user.id)


def require_manager(interaction: Interaction) -> None:
    """Raise `Refused` unless the user may configure the bot in this server.

    That takes Manage Server, or a role in the setting `admin_roles`.
    """
    if not manages(interaction):
        raise Refused(
            say("You need the Manage Server permission, or a role chosen by the bot's owner.")
        )


def require_moderator(interaction: Interaction) -> None:
    """Raise `Refused` unless the user may moderate this server.

    That takes Timeout Members, which channels can't grant, or what `require_manager` takes.
    """
    if not is_moderator(interaction):
        raise Refused(
            say(
                "You need the Timeout Members or Manage Server permission, or a role chosen by "
                "the bot's owner."
            )
        )


def may_release(interaction: Interaction, job: Job) -> bool:
    """Whether the user may release the job's pictures: it is of this server, and they moderate."""
    here = _belongs_here(interaction, MessageRef.from_json(job.message_ref))
    return here and is_moderator(interaction)


def is_moderator(interaction: Interaction) -> bool:
    """Whether the user may moderate this server; the bot has to be a member."""
    if is_user_install(interaction):
        return False
    return interaction.permissions.moderate_members or manages(interaction)


def require_owner(interaction: Interaction, sentence: str | None = None) -> None:
    """Raise `Refused` unless the user may administer the bot itself and its machine.

    That takes being the application's owner, a team member who may change it, or having a role in
    the setting `admin_roles`. Managers of servers that invited the bot don't count.

    Args:
        interaction: The interaction.
        sentence: What to say instead of the sentence about models.
    """
    if not is_owner(interaction):
        raise Refused(sentence or say(OWNER_ONLY))


def is_owner(interaction: Interaction) -> bool:
    """Whether the user may administer the bot itself and its machine."""
    application, user_id = interaction.client.application, interaction.user.id
    return _owns(application, user_id) or _has_admin_role(interaction)


def _owns(application: discord.AppInfo | None, user_id: int) -> bool:
    """Whether the user owns the application; in a team, its owner, admins and developers do."""
    assert application is not None, "it is known after the login"
    if (team := application.team) is None:
        return application.owner.id == user_id
    return team.owner_id == user_id or any(
        member.id == user_id and member.role in MAINTAINERS for member in team.members
    )


def manages(interaction: Interaction) -> bool:
    """Whether the user may configure the bot in this server; the bot has to be a member."""
    if is_user_install(interaction):
        return False
    return interaction.permissions.manage_guild or _has_admin_role(interaction)


def member_manages(bot: Client, member: discord.Member) -> bool:
    """Whether a member, other than the user, may configure the bot in their server."""
    return member.guild_permissions.manage_guild or _has_any_admin_role(bot, member)


def _has_admin_role(interaction: Interaction) -> bool:
    return _has_any_admin_role(interaction.client, interaction.user)


def _has_any_admin_role(bot: Client, user: discord.User | discord.Member) -> bool:
    roles = user.roles if isinstance(user, discord.Member) else []
    return any(role.id in bot.settings.admin_roles for role in roles)


def require_bot_permissions(interaction: discord.Interaction[Any]) -> None:
    """Raise `Refused` when the bot couldn't post pictures in this channel of a server."""
    in_thread = isinstance(interaction.channel, discord.Thread)
    not_needed = "send_messages" if in_thread else "send_messages_in_threads"
    needed = [name for name, needed in REQUIRED_PERMISSIONS if needed and name != not_needed]
    missing = missing_permissions(interaction.app_permissions, needed)
    if missing:
        raise Refused(
            say(
                "I can't paint in this channel: I'm missing {permissions}. Someone who manages "
                "it can grant that in the channel's permissions.",
                permissions=join_list(missing, AND),
            )
        )


def require_postable(channel: discord.TextChannel, needed: Iterable[str]) -> None:
    """Raise `Refused` when the bot lacks one of the `needed` permissions in `channel`."""
    if missing := missing_permissions(channel.permissions_for(channel.guild.me), needed):
        raise Refused(
            say(
                "I can't post in {channel}. Someone who manages that channel needs to give me "
                "{permissions}.",
                channel=Markdown(channel.mention),
                permissions=join_list(missing, AND),
            )
        )


async def require_postable_channel(interaction: Interaction, *, ephemeral: bool = False) -> None:
    """Raise `Refused` when the server doesn't allow painting here, or the bot can't post here.

    A thread counts as its channel. Ephemeral answers need no permissions. Where the bot isn't a
    member, and in its DMs, nothing is checked.
    """
    if is_bot_dm(interaction) or is_user_install(interaction):
        return
    if not ephemeral:
        require_bot_permissions(interaction)
    settings = settings_in(await request_context(interaction))
    parent = getattr(interaction.channel, "parent_id", None)
    if settings.channels and not {interaction.channel_id, parent} & set(settings.channels):
        mentions = Markdown(", ".join(f"<#{channel}>" for channel in settings.channels))
        raise Refused(say("This server only allows painting in {channels}.", channels=mentions))


async def require_unblocked(interaction: Interaction) -> None:
    """Raise `Refused` when the user is blocked in this server. Managers never are."""
    if interaction.guild_id is None or is_user_install(interaction) or manages(interaction):
        return
    block = (await request_context(interaction)).block
    if block is not None:
        raise Refused(block_sentence(block))


def block_sentence(block: Block) -> str:
    """What somebody is told who is blocked."""
    return say(BLOCKED) if block.until is None else say(BLOCKED_UNTIL, at=int(block.until) + 1)


async def require_access(interaction: Interaction) -> None:
    """Raise `Refused` when the user may not use anything now."""
    require_running(interaction.client)
    await require_unblocked(interaction)


def require_running(bot: Client) -> None:
    """Raise `Refused` while the bot is shutting down."""
    if bot.leaving:
        raise Refused(say("I'm restarting. Try again in a minute; queued jobs are kept."))
