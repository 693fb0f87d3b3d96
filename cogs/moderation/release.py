"""Releasing hidden pictures, with /release or the button on their message."""

from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.messages.job_messages import JobMessages
from cogs.messages.replies import reply
from cogs.policy.access import Refused, may_release, require_moderator
from cogs.policy.audit import record
from cogs.policy.nsfw import verdict_summary
from cogs.policy.visibility import visible_job
from engine import Studio
from speech import say


class Release(commands.Cog):
    """The command for pictures that the safety checker flagged."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(job="The job's number, shown in its message")
    async def release(self, interaction: Interaction, job: Range[int, 1, 10**12]) -> None:
        """Reveal a job's pictures that were hidden as spoilers or withheld"""
        require_moderator(interaction)
        await visible_job(interaction, job)
        await release(interaction, job)


async def release(interaction: Interaction, job_id: int) -> None:
    """Show pictures that were hidden as spoilers or withheld.

    Raises:
        Refused: When the user doesn't moderate the job's server, or it is another one.
    """
    bot = interaction.client
    job = await bot.studio.job(job_id)
    require_moderator(interaction)
    if not may_release(interaction, job):
        raise Refused(say("Job {number} was posted elsewhere. Release it there.", number=job_id))
    verdicts = await bot.studio.safety.verdicts(job_id)
    if not await bot.studio.safety.release(job_id):
        await reply(interaction, say("Job {number} has no hidden pictures.", number=job_id))
        return
    await record(
        interaction,
        say(
            "released {owner}'s job {job} ({verdict})",
            job=job_id,
            owner=f"<@{job.owner}>",
            verdict=verdict_summary(verdicts),
        ),
    )
    await bot.services[JobMessages].refresh(job)
    await reply(interaction, say("The pictures of job {number} are now shown.", number=job_id))
