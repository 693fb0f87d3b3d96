"""Who may see a job: its owner and, unless it is private, who can see its message's channel."""

import contextlib

import discord

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from engine import Job, UnknownJob
from speech import say

Location = discord.abc.GuildChannel | discord.Thread


def can_see(interaction: Interaction, job: Job) -> bool:
    """Whether the user may see `job` in the interaction's channel.

    Private jobs are visible only to their owner, and so are those of other servers, of DMs, and
    of channels that are gone or that the bot can't see.
    """
    if job.owner == str(interaction.user.id):
        return True
    return can_see_message(interaction, MessageRef.from_json(job.message_ref))


def can_see_message(interaction: Interaction, message_ref: MessageRef) -> bool:
    """Whether the user may see another user's job, given where its message is."""
    if message_ref.private or interaction.guild is None:
        return False
    return message_ref.guild_id == interaction.guild.id and can_read(
        interaction, message_ref.channel_id
    )


def can_read(interaction: Interaction, channel_id: int) -> bool:
    """Whether the user may read that channel: of this server, or else the one they are in.

    Of private threads, that is only the one that they are in, too.
    """
    if interaction.guild is None:
        return channel_id == interaction.channel_id
    channel = interaction.guild.get_channel_or_thread(channel_id)
    if channel is None or not isinstance(interaction.user, discord.Member):
        return False
    if isinstance(channel, discord.Thread) and channel.is_private():
        return channel_id == interaction.channel_id
    allowed = channel.permissions_for(interaction.user)
    return allowed.view_channel and allowed.read_message_history


async def visible_job(interaction: Interaction, job_id: int) -> Job:
    """The job of that number.

    Raises:
        UnknownJob: When there is none or the user may not see it, with the same text for both.
    """
    with contextlib.suppress(UnknownJob):
        job = await interaction.client.studio.job(job_id)
        if can_see(interaction, job):
            return job
    raise unknown_job(job_id)


async def accessible_job(interaction: Interaction, job_id: int) -> Job:
    """The job of a message on which the user clicked.

    Raises:
        UnknownJob: When it is gone or the user may not see it, with the same text for both.
    """
    with contextlib.suppress(UnknownJob):
        job = await interaction.client.studio.job(job_id)
        if is_accessible(interaction, job):
            return job
    raise unknown_job(job_id)


def is_accessible(interaction: Interaction, job: Job) -> bool:
    """Whether the user may act on what they clicked.

    They can see the channel in which they click, also where the bot isn't a member. The ID of a
    button says nothing: it can be sent from anywhere.
    """
    message_ref = MessageRef.from_json(job.message_ref)
    clicked_there = message_ref.channel_id == interaction.channel_id and not message_ref.private
    return clicked_there or can_see(interaction, job)


def unknown_job(job_id: int) -> UnknownJob:
    """The error for a job that the user can't see, whether or not it exists."""
    return UnknownJob(
        say(
            "Job {number} doesn't exist or isn't visible here. `/history` lists your own jobs.",
            number=job_id,
        )
    )


def is_wider_audience(target: discord.abc.GuildChannel, source: Location) -> bool:
    """Whether some role, or some member with an overwrite, can see `target` but not `source`.

    Other members aren't known to the bot: it has no members intent.
    """
    if isinstance(source, discord.Thread):
        if source.is_private() or source.parent is None:
            return True
        source = source.parent
    if any(
        target.permissions_for(role).view_channel and not source.permissions_for(role).view_channel
        for role in target.guild.roles
    ):
        return True
    allowed, denied = _member_overwrites(target)
    source_allowed, source_denied = _member_overwrites(source)
    if source_denied - denied:
        return True
    return not is_open_to_everyone(source) and bool(allowed - source_allowed)


def _member_overwrites(channel: discord.abc.GuildChannel) -> tuple[set[int], set[int]]:
    """The IDs of members whose overwrites allow them to view the channel, and that deny it."""
    overwrites = {
        target.id: overwrite.view_channel
        for target, overwrite in channel.overwrites.items()
        if not isinstance(target, discord.Role) and target.id != channel.guild.me.id
        if not (isinstance(target, discord.Object) and target.type is discord.Role)
    }
    return (
        {member for member, can_view in overwrites.items() if can_view},
        {member for member, can_view in overwrites.items() if can_view is False},
    )


def is_open_to_everyone(channel: discord.abc.GuildChannel) -> bool:
    """Whether all members without an overwrite can view the channel, whatever their roles."""
    everyone = channel.guild.default_role
    return channel.permissions_for(everyone).view_channel and not any(
        isinstance(target, discord.Role) and overwrite.view_channel is False
        for target, overwrite in channel.overwrites.items()
    )


def jump_url(message_ref: MessageRef) -> str | None:
    """The URL of the message; `None` if it can't be opened."""
    return (
        message_ref.link
        if message_ref.message_id is not None and not message_ref.token_only
        else None
    )
