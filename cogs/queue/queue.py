"""/queue and /cancel."""

import contextlib
from collections.abc import Iterable
from typing import Any

import discord
from discord import app_commands, ui
from discord.app_commands import Choice
from discord.ext import commands

from cogs.context import Interaction
from cogs.markdown import escaped_line
from cogs.message_ref import MessageRef
from cogs.messages.cancellation import cancel_grid
from cogs.messages.replies import reply
from cogs.messages.text import duration, ordinal, shortened
from cogs.policy.access import acting_as, moderates
from cogs.policy.audit import record_on_job
from cogs.policy.contexts import anywhere, is_user_install
from cogs.policy.visibility import can_see, jump_url, unknown_job
from cogs.requests.choices import MAX_CHOICES
from engine import Job, JobEvent, JobState, Studio, UnknownJob
from speech import say

MAX_LINES = 10
"""Jobs in one answer: their lines always fit into a message."""


class Queue(commands.Cog):
    """The commands about waiting jobs."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @anywhere
    async def queue(self, interaction: Interaction) -> None:
        """Show who's waiting for a picture, and for how long"""
        jobs = _collapse_grids(self._studio.queue())
        if not jobs:
            await reply(interaction, say("The queue is empty. `/imagine` starts now."))
            return
        me = str(interaction.user.id)
        here = [entry for entry in jobs if _is_listed(interaction, entry[0])]
        here.sort(key=lambda entry: entry[0].owner != me)
        lines = [f"### {say('Queue ({number})', number=len(jobs))}"]
        shown = here[:MAX_LINES]
        # As stored, they have the place of their message, which they hadn't when they were queued.
        stored = {job.id: job for job in await self._studio.several_jobs([j.id for j, _ in shown])}
        lines += [queue_line(stored.get(job.id, job), event, interaction) for job, event in shown]
        if (more := len(here) - MAX_LINES) > 0:
            lines.append(f"-# {say('and {number} more', number=more)}")
        if elsewhere := len(jobs) - len(here):
            lines.append(f"-# {say('{number} private or elsewhere', number=elsewhere)}")
        view = ui.LayoutView(timeout=None)
        view.add_item(ui.Container(ui.TextDisplay("\n".join(lines))))
        await interaction.response.send_message(
            view=view, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
        )

    @app_commands.command()
    @anywhere
    @app_commands.describe(job="Which job; your most recent one if omitted")
    async def cancel(self, interaction: Interaction, job: int | None = None) -> None:
        """Cancel a picture that's waiting or being painted"""
        if job is None:
            me = str(interaction.user.id)
            own = [each.id for each, _ in self._studio.queue() if each.owner == me]
            if not own:
                raise UnknownJob(say("You have no jobs in the queue."))
            job = max(own)
        target = await _job_to_cancel(interaction, job)
        if target.cell is not None:
            await _cancel_grid(interaction, target.cell.grid)
        elif await self._studio.cancel(job, by=acting_as(interaction, target)):
            await record_on_job(interaction, "cancelled", target)
            await reply(interaction, say("Job {number} was cancelled.", number=job))
        else:
            await reply(interaction, say("Job {number} is already done.", number=job))

    @cancel.autocomplete("job")
    async def _complete_job(self, interaction: Interaction, current: str) -> list[Choice[int]]:
        me = str(interaction.user.id)
        waiting = [job for job, _ in _collapse_grids(self._studio.queue())]
        jobs = [job for job in waiting if job.owner == me or moderates(interaction, job)]
        jobs.sort(key=lambda job: (job.owner != me, -job.id))
        choices = [
            Choice(name=shortened(f"{job.id} · {_prompt_for(interaction, job)}", 100), value=job.id)
            for job in jobs
        ]
        typed = str(current).strip().lower()
        return [choice for choice in choices if typed in choice.name.lower()][:MAX_CHOICES]


def _collapse_grids(entries: Iterable[tuple[Job, JobEvent]]) -> list[tuple[Job, JobEvent]]:
    """The entries with only the first cell of each grid."""
    first_entries: dict[tuple[int, int], tuple[Job, JobEvent]] = {}
    for job, event in entries:
        first_entries.setdefault((job.cell.grid, 0) if job.cell else (0, job.id), (job, event))
    return list(first_entries.values())


async def _cancel_grid(interaction: Interaction, grid_id: int) -> None:
    if await cancel_grid(interaction, grid_id):
        await reply(interaction, say("Grid {number} was cancelled.", number=grid_id))
    else:
        await reply(interaction, say("Grid {number} is already done.", number=grid_id))


async def _job_to_cancel(interaction: Interaction, job_id: int) -> Job:
    """The job, if the user may know of it.

    Raises:
        UnknownJob: When it doesn't exist or they may not, with the same text for both.
    """
    with contextlib.suppress(UnknownJob):
        job = await interaction.client.studio.job(job_id)
        if can_see(interaction, job) or moderates(interaction, job):
            return job
    raise unknown_job(job_id)


def _is_listed(interaction: Interaction, job: Job) -> bool:
    """Whether the user may know of the job: it is theirs, or they can see or moderate it here."""
    if job.owner == str(interaction.user.id):
        return True
    return _is_here(interaction, job) and (can_see(interaction, job) or moderates(interaction, job))


def _is_here(interaction: Interaction, job: Job) -> bool:
    """Whether the job is of the interaction's server, and the bot is a member of it."""
    here = interaction.guild_id
    return (
        here is not None and not is_user_install(interaction) and _message_ref(job).guild_id == here
    )


def _message_ref(job: Job) -> MessageRef:
    return MessageRef.from_json(job.message_ref)


def _prompt_for(interaction: Interaction, job: Job) -> str:
    """The job's prompt, or that it is private if the user may not see it."""
    return job.recipe.prompt if can_see(interaction, job) else say("private")


def queue_line(job: Job, event: JobEvent, interaction: discord.Interaction[Any]) -> str:
    """The line about a job, with a link to its message for those who may see it.

    The prompt is shown to its owner and in its message's channel.
    """
    own = job.owner == str(interaction.user.id)
    if event.state is JobState.RUNNING:
        percent = 100 * event.step // max(1, event.total_steps)
        position: str = say("painting, {percent}%", percent=percent)
    else:
        position = say("in line") if event.position is None else ordinal(event.position)
    number = (
        say("grid {number}", number=job.cell.grid)
        if job.cell
        else say("job {number}", number=job.id)
    )
    message_ref = _message_ref(job)
    link = jump_url(message_ref) if can_see(interaction, job) else None
    parts = [f"[{number}]({link})" if link else number, position]
    if event.seconds_left is not None:
        parts.append(say("about {time}", time=duration(event.seconds_left)))
    parts.append(f"<@{job.owner}>")
    if own or (message_ref.channel_id == interaction.channel_id and not message_ref.private):
        parts.append(escaped_line(job.recipe.prompt, 60))
    text = " · ".join(parts)
    return f"**{text}**" if own else text
