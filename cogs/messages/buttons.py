"""Everything clickable on a job's message. Buttons carry the job id, so they outlive restarts."""

import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from cogs.gallery.stars import star
from cogs.message_ref import MessageRef
from cogs.messages.replies import reply
from cogs.moderation.release import release
from cogs.policy.access import acting_as
from cogs.policy.audit import record_on_job
from cogs.policy.visibility import accessible_job
from engine import ImageRequest, UnknownJob
from speech import phrase, say

if TYPE_CHECKING:
    from cogs.bot import Atelier

Act = Callable[["discord.Interaction[Atelier]", int], Awaitable[None]]


class JobButton(
    ui.DynamicItem[ui.Button[Any]], template=r"atelier:(?P<verb>[a-z]+):(?P<job_id>\d{1,19})"
):
    """A button that does `verb` to a job."""

    def __init__(self, verb: str, job_id: int) -> None:
        label, emoji, style, self._act = VERBS[verb]
        super().__init__(
            ui.Button(
                label=say(label) if label else None,
                emoji=emoji,
                style=style,
                custom_id=f"atelier:{verb}:{job_id}",
            )
        )
        self._verb, self._job_id = verb, job_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was clicked, rebuilt from its id alone."""
        return cls(match["verb"], int(match["job_id"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do it, under the same policy and error handling as a command."""

        async def act() -> None:
            try:
                await accessible_job(interaction, self._job_id)
            except UnknownJob:
                if self._verb != "delete" or not await cleared_away(interaction):
                    raise
            else:
                await self._act(interaction, self._job_id)

        await interaction.client.tree.guard(interaction, act)


async def again(interaction: "discord.Interaction[Atelier]", job_id: int) -> None:
    """Paint the same request with a new seed, as a job of whoever clicked."""
    recipe = (await interaction.client.studio.job(job_id)).recipe
    request = replace(ImageRequest.of(recipe), seed=None)
    await interaction.client.submission.take(interaction, request, source=job_id)


async def cancel(interaction: "discord.Interaction[Atelier]", job_id: int) -> None:
    """Call the job off; its message says so by itself."""
    await interaction.response.defer()
    studio = interaction.client.studio
    job = await studio.job(job_id)
    if await studio.cancel(job_id, by=acting_as(interaction, job)):
        await record_on_job(interaction, "cancelled", job)
        message_ref = MessageRef.from_json(job.message_ref)
        if message_ref.leased and not message_ref.token_lives:
            await reply(interaction, say("Job {number} was cancelled.", number=job_id))
    else:
        await reply(interaction, say("Job {number} is already done.", number=job_id))


async def here(interaction: "discord.Interaction[Atelier]", job_id: int) -> None:
    """Go on with a message that could be changed no more: the click brings a new token."""
    await interaction.client.submission.go_on_here(interaction, job_id)


async def delete(interaction: "discord.Interaction[Atelier]", job_id: int) -> None:
    """Remove the job, its pictures and its messages."""
    await interaction.response.defer()
    studio = interaction.client.studio
    job = await studio.job(job_id)
    await interaction.client.gallery.delete(interaction, job_id, by=acting_as(interaction, job))
    await record_on_job(interaction, "deleted", job)
    with contextlib.suppress(discord.NotFound):  # somebody was quicker
        await interaction.delete_original_response()


async def cleared_away(interaction: "discord.Interaction[Atelier]") -> bool:
    """Remove the message of something that is gone, if whoever clicked had asked for it."""
    asked = interaction.message.interaction_metadata if interaction.message else None
    if asked is None or asked.user.id != interaction.user.id:
        return False
    await interaction.response.defer()
    with contextlib.suppress(discord.NotFound):  # somebody was quicker
        await interaction.delete_original_response()
    return True


VERBS: dict[str, tuple[str | None, str, discord.ButtonStyle, Act]] = {
    "again": (phrase("Again"), "🔁", discord.ButtonStyle.primary, again),
    "here": (phrase("Show here"), "🔄", discord.ButtonStyle.secondary, here),
    "cancel": (phrase("Cancel"), "✖️", discord.ButtonStyle.secondary, cancel),
    "star": (None, "⭐", discord.ButtonStyle.secondary, star),
    "release": (phrase("Release"), "🔓", discord.ButtonStyle.secondary, release),
    "delete": (phrase("Delete"), "🗑️", discord.ButtonStyle.secondary, delete),
}
