"""/queue and /cancel: who waits, and calling a job off."""

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from cogs.audit import noted_on_job
from cogs.cards import ordinal, shortened
from cogs.home import Home
from cogs.policy import acting_as, moderates
from cogs.replies import reply
from engine import Job, JobEvent, JobState, Studio, UnknownJob

if TYPE_CHECKING:
    from cogs.bot import Atelier

MOST_LINES = 10
"""Jobs in one answer: what surely fits into the 2000 characters of a message."""

MOST_CHOICES = 25
"""Discord's limit for autocomplete."""


class Queue(commands.Cog):
    """The commands about waiting."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @app_commands.guild_only()
    async def queue(self, interaction: "discord.Interaction[Atelier]") -> None:
        """Show who is waiting for a picture, and for how long"""
        jobs = self._studio.queue()
        if not jobs:
            await reply(interaction, "Nobody is waiting. `/imagine` starts at once.")
            return
        mine = str(interaction.user.id)
        here = [(j, e) for j, e in jobs if Home.from_json(j.home).guild_id == interaction.guild_id]
        here.sort(key=lambda entry: entry[0].owner != mine)
        lines = [line(job, event, interaction) for job, event in here[:MOST_LINES]]
        if len(here) > MOST_LINES:
            lines.append(f"-# and {len(here) - MOST_LINES} more")
        if len(jobs) > len(here):
            lines.append(f"-# {len(jobs) - len(here)} in other servers")
        await reply(interaction, "\n".join(lines))

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.describe(job="Which job; left out, the last one that you asked for")
    async def cancel(
        self, interaction: "discord.Interaction[Atelier]", job: int | None = None
    ) -> None:
        """Call off a picture that is waiting or being painted"""
        if job is None:
            mine = [j.id for j, _ in self._studio.queue() if j.owner == str(interaction.user.id)]
            if not mine:
                raise UnknownJob("You have nothing waiting.")
            job = max(mine)
        asked = await self._studio.job(job)
        if await self._studio.cancel(job, by=acting_as(interaction, asked)):
            await noted_on_job(interaction, "cancelled", asked)
            await reply(interaction, f"Job {job} is cancelled.")
        else:
            await reply(interaction, f"Job {job} is already done.")

    @cancel.autocomplete("job")
    async def _complete_job(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[int]]:
        mine = str(interaction.user.id)
        waiting = [job for job, _ in self._studio.queue()]
        jobs = [job for job in waiting if job.owner == mine or moderates(interaction, job)]
        jobs.sort(key=lambda job: (job.owner != mine, -job.id))
        choices = [
            Choice(name=shortened(f"{job.id} · {job.recipe.prompt}", 100), value=job.id)
            for job in jobs
        ]
        typed = str(current).strip().lower()
        return [choice for choice in choices if typed in choice.name.lower()][:MOST_CHOICES]


def line(job: Job, event: JobEvent, interaction: discord.Interaction[Any]) -> str:
    """One job in the list; what it shows is told to its owner and in the channel of its home."""
    own = job.owner == str(interaction.user.id)
    if event.state is JobState.RUNNING:
        place = f"painting, {100 * event.step // max(1, event.total_steps)} %"
    else:
        place = ordinal(event.position or 1)
    parts = [str(job.id), place]
    if event.seconds_left is not None:
        parts.append(f"about {duration(event.seconds_left)}")
    parts.append(f"<@{job.owner}>")
    if own or Home.from_json(job.home).channel_id == interaction.channel_id:
        parts.append(discord.utils.escape_markdown(shortened(job.recipe.prompt, 60)))
    text = " · ".join(parts)
    return f"**{text}**" if own else text


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"
