"""The audit log of what moderators do."""

from cogs.context import Interaction
from engine import Job
from speech import dump_sentence, phrase, say

ACTIONS = {
    "cancelled": phrase("cancelled {owner}'s job {job}"),
    "deleted": phrase("deleted {owner}'s job {job}"),
}
"""What moderators can do to another user's job."""


async def record(interaction: Interaction, action: str) -> None:
    """Record an action of the user, in Discord's Markdown, in this server's audit log.

    Sentences are stored untranslated; readers see them in their own language.
    """
    if interaction.guild_id is not None:
        moderation = interaction.client.studio.moderation
        scope = f"guild:{interaction.guild_id}"
        await moderation.add_audit_entry(scope, str(interaction.user.id), dump_sentence(action))


async def record_on_job(interaction: Interaction, action: str, job: Job) -> None:
    """Record an action, one of `ACTIONS`, on another user's job; actions on own jobs are not."""
    if job.owner != str(interaction.user.id):
        await record(interaction, say(ACTIONS[action], job=job.id, owner=f"<@{job.owner}>"))
