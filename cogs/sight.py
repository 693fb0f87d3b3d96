"""Who may see a job: its owner, and whoever sees the channel that its message is in."""

import contextlib
from typing import TYPE_CHECKING

import discord

from cogs.home import Home
from engine import Job, UnknownJob

if TYPE_CHECKING:
    from cogs.bot import Atelier

Place = discord.abc.GuildChannel | discord.Thread


def sees(interaction: "discord.Interaction[Atelier]", job: Job) -> bool:
    """Whether the person may see what `job` shows, there where they ask.

    What is nobody's in particular is not told: of other servers, of direct messages, and of
    channels that are gone.
    """
    if job.owner == str(interaction.user.id):
        return True
    home = Home.from_json(job.home)
    if interaction.guild is None or home.guild_id != interaction.guild.id:
        return False
    channel = interaction.guild.get_channel_or_thread(home.channel_id)
    if channel is None or not isinstance(interaction.user, discord.Member):
        return False
    if isinstance(channel, discord.Thread) and channel.is_private():
        return home.channel_id == interaction.channel_id
    allowed = channel.permissions_for(interaction.user)
    return allowed.view_channel and allowed.read_message_history


async def seen(interaction: "discord.Interaction[Atelier]", job_id: int) -> Job:
    """The job of that number.

    Raises:
        UnknownJob: When there is none, or none that the person may see: nobody learns which.
    """
    with contextlib.suppress(UnknownJob):
        job = await interaction.client.studio.job(job_id)
        if sees(interaction, job):
            return job
    raise UnknownJob(
        f"There is no job {job_id} that you could see here: it is gone, or belongs elsewhere. "
        "`/history` lists your own."
    )


def wider(there: Place, source: Place) -> bool:
    """Whether some role sees what is in `there` and not what is in `source`."""
    if isinstance(source, discord.Thread) and source.is_private():
        return True
    return any(
        there.permissions_for(role).view_channel and not source.permissions_for(role).view_channel
        for role in there.guild.roles
    )


def jump_url(home: Home) -> str | None:
    """The address of the job's message, if it has one."""
    return home.link if home.message_id is not None else None
