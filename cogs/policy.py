"""Who may do what. Commands, buttons and modals all ask here."""

from typing import TYPE_CHECKING, Any

import discord

from cogs.home import Home
from cogs.permissions import REQUIRED, title
from engine import AtelierError, Job

if TYPE_CHECKING:
    from cogs.bot import Atelier


MAINTAINERS = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)
"""Roles in the application's team of those who may change it; the third can only read."""


class Refused(AtelierError):
    """The person may not do that here; the text says why and what would help."""


def moderates(interaction: "discord.Interaction[Atelier]", job: Job) -> bool:
    """Whether the person may act on `job` as if it were their own.

    That takes a job of this server, and Manage Messages in the channel where they ask, or a role
    in the setting `admin_roles`.
    """
    here = Home.from_json(job.home).guild_id == interaction.guild_id is not None
    return here and (interaction.permissions.manage_messages or _has_admin_role(interaction))


def acting_as(interaction: "discord.Interaction[Atelier]", job: Job) -> str | None:
    """On whose behalf the person acts on `job`: their own, or anybody's (`None`)."""
    return None if moderates(interaction, job) else str(interaction.user.id)


def require_manager(interaction: "discord.Interaction[Atelier]") -> None:
    """Raise `Refused` unless the person may configure the bot in this server.

    That takes Manage Server, or a role in the setting `admin_roles`.
    """
    if not interaction.permissions.manage_guild and not _has_admin_role(interaction):
        raise Refused("That needs the permission Manage Server, or a role that the owner named.")


def require_owner(interaction: "discord.Interaction[Atelier]") -> None:
    """Raise `Refused` unless the person may fill and empty the disk that the bot runs on.

    That takes being the owner of the application, or one of its team who may change it, or a role
    in the setting `admin_roles`: who manages a server that the bot was invited to has no say here.
    """
    if not _owns(interaction.client.application, interaction.user.id) and not _has_admin_role(
        interaction
    ):
        raise Refused(
            "Models are added and removed by the owner of this bot, or by a role in their setting "
            "admin_roles: ask them."
        )


def _owns(application: discord.AppInfo | None, user_id: int) -> bool:
    """Whether the person is the owner; of a team, the owner, an admin or a developer."""
    assert application is not None, "the login has told it"
    if (team := application.team) is None:
        return application.owner.id == user_id
    return team.owner_id == user_id or any(
        member.id == user_id and member.role in MAINTAINERS for member in team.members
    )


def _has_admin_role(interaction: "discord.Interaction[Atelier]") -> bool:
    roles = interaction.user.roles if isinstance(interaction.user, discord.Member) else []
    return any(role.id in interaction.client.settings.admin_roles for role in roles)


def require_preflight(interaction: discord.Interaction[Any]) -> None:
    """Raise `Refused` when the bot could not deliver a picture in this channel."""
    in_thread = isinstance(interaction.channel, discord.Thread)
    spare = "send_messages" if in_thread else "send_messages_in_threads"
    missing = [
        title(name)
        for name, needed in REQUIRED
        if needed and name != spare and not getattr(interaction.app_permissions, name)
    ]
    if missing:
        raise Refused(
            f"I cannot paint in this channel: I lack {' and '.join(missing)}. "
            "Somebody who manages it can change that in the channel's permissions."
        )


def require_open(bot: "Atelier") -> None:
    """Raise `Refused` while the bot is on its way out."""
    if bot.leaving:
        raise Refused("I am being restarted. Try again in a minute; what is queued is kept.")
