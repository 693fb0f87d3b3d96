"""Writing down what moderators do."""

from typing import TYPE_CHECKING

from engine import Job

if TYPE_CHECKING:
    import discord

    from cogs.bot import Atelier

LONGEST = 700
"""Characters of one line."""


async def noted(interaction: "discord.Interaction[Atelier]", what: str) -> None:
    """Write down that the person did `what`, in Discord's Markdown, to keep order here."""
    if interaction.guild_id is not None:
        keeper = interaction.client.studio.keeper
        scope = f"guild:{interaction.guild_id}"
        await keeper.note(scope, str(interaction.user.id), what[:LONGEST])


async def noted_on_job(interaction: "discord.Interaction[Atelier]", did: str, job: Job) -> None:
    """Write down what the person did to somebody else's job; their own is their own affair."""
    if job.owner != str(interaction.user.id):
        await noted(interaction, f"{did} job {job.id} of <@{job.owner}>")
