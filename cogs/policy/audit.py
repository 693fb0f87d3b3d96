"""Writing down what moderators do."""

from cogs.context import Interaction
from engine import Job
from speech import Sentence, phrase, say

ACTIONS = {
    "cancelled": phrase("cancelled {owner}'s job {job}"),
    "deleted": phrase("deleted {owner}'s job {job}"),
}
"""What can be done to somebody else's job."""


async def record(interaction: Interaction, what: str) -> None:
    """Write down that the person did `what`, in Discord's Markdown, to keep order here.

    A sentence is read again in the language of whoever reads it.
    """
    if interaction.guild_id is not None:
        moderation = interaction.client.studio.moderation
        scope = f"guild:{interaction.guild_id}"
        kept = what.kept() if isinstance(what, Sentence) else what
        await moderation.note(scope, str(interaction.user.id), kept)


async def record_on_job(interaction: Interaction, did: str, job: Job) -> None:
    """Write down what the person did, one of `ACTIONS`, to somebody else's job.

    What they do to their own is their own affair.
    """
    if job.owner != str(interaction.user.id):
        await record(interaction, say(ACTIONS[did], job=job.id, owner=f"<@{job.owner}>"))
