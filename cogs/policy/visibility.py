"""Who may see a job: its owner, and, unless it is private, whoever sees its message's channel."""

import contextlib

import discord

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from engine import Job, UnknownJob
from speech import say

Location = discord.abc.GuildChannel | discord.Thread


def can_see(interaction: Interaction, job: Job) -> bool:
    """Whether the person may see what `job` shows, there where they ask.

    What is private is its owner's alone. What is nobody's in particular is not told: of other
    servers, of direct messages, and of channels that are gone or that the bot is not in.
    """
    if job.owner == str(interaction.user.id):
        return True
    message_ref = MessageRef.from_json(job.message_ref)
    if (
        message_ref.private
        or interaction.guild is None
        or message_ref.guild_id != interaction.guild.id
    ):
        return False
    channel = interaction.guild.get_channel_or_thread(message_ref.channel_id)
    if channel is None or not isinstance(interaction.user, discord.Member):
        return False
    if isinstance(channel, discord.Thread) and channel.is_private():
        return message_ref.channel_id == interaction.channel_id
    allowed = channel.permissions_for(interaction.user)
    return allowed.view_channel and allowed.read_message_history


async def visible_job(interaction: Interaction, job_id: int) -> Job:
    """The job of that number.

    Raises:
        UnknownJob: When there is none, or none that the person may see: nobody learns which.
    """
    with contextlib.suppress(UnknownJob):
        job = await interaction.client.studio.job(job_id)
        if can_see(interaction, job):
            return job
    raise _unseen(job_id)


async def accessible_job(interaction: Interaction, job_id: int) -> Job:
    """The job whose message the person has before them, so that they see what it shows.

    Raises:
        UnknownJob: When it is gone, or is somebody else's private one after all.
    """
    job = await interaction.client.studio.job(job_id)
    if MessageRef.from_json(job.message_ref).private and job.owner != str(interaction.user.id):
        raise _unseen(job_id)
    return job


def _unseen(job_id: int) -> UnknownJob:
    return UnknownJob(
        say(
            "Job {number} no longer exists or isn't visible here. `/history` lists your own jobs.",
            number=job_id,
        )
    )


def wider(there: discord.abc.GuildChannel, source: Location) -> bool:
    """Whether some role, or some member by name, sees what is in `there` and not in `source`.

    Members are not known, but for the ids that channels let in or keep out by name.
    """
    if isinstance(source, discord.Thread):
        if source.is_private() or source.parent is None:
            return True
        source = source.parent
    if any(
        there.permissions_for(role).view_channel and not source.permissions_for(role).view_channel
        for role in there.guild.roles
    ):
        return True
    let_in, kept_out = _by_name(there)
    let_in_at_home, kept_out_at_home = _by_name(source)
    if kept_out_at_home - kept_out:
        return True
    return not _open_to_all(source) and bool(let_in - let_in_at_home)


def _by_name(channel: discord.abc.GuildChannel) -> tuple[set[int], set[int]]:
    """The ids of the members whom the channel shows itself to, and of those whom it does not."""
    said = {
        target.id: overwrite.view_channel
        for target, overwrite in channel.overwrites.items()
        if not isinstance(target, discord.Role) and target.id != channel.guild.me.id
        if not (isinstance(target, discord.Object) and target.type is discord.Role)
    }
    return (
        {member for member, sees_it in said.items() if sees_it},
        {member for member, sees_it in said.items() if sees_it is False},
    )


def _open_to_all(channel: discord.abc.GuildChannel) -> bool:
    """Whether everybody sees the channel who is not kept out by name, whatever roles they have."""
    everybody = channel.guild.default_role
    return channel.permissions_for(everybody).view_channel and not any(
        isinstance(target, discord.Role) and overwrite.view_channel is False
        for target, overwrite in channel.overwrites.items()
    )


def jump_url(message_ref: MessageRef) -> str | None:
    """The address of the job's message, if it has one that can be gone to."""
    return (
        message_ref.link if message_ref.message_id is not None and not message_ref.leased else None
    )
