"""Everything clickable on a job's message. Buttons carry the job id, so they outlive restarts."""

import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from cogs.audit import noted_on_job
from cogs.policy import acting_as
from cogs.replies import reply
from cogs.stars import star
from engine import ImageRequest

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
            ui.Button(label=label, emoji=emoji, style=style, custom_id=f"atelier:{verb}:{job_id}")
        )
        self._job_id = job_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was clicked, rebuilt from its id alone."""
        return cls(match["verb"], int(match["job_id"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do it, under the same policy and error handling as a command."""
        await interaction.client.tree.guard(
            interaction, lambda: self._act(interaction, self._job_id)
        )


async def again(interaction: "discord.Interaction[Atelier]", job_id: int) -> None:
    """Paint the same request with a new seed, as a job of whoever clicked."""
    recipe = (await interaction.client.studio.job(job_id)).recipe
    request = replace(ImageRequest.of(recipe), seed=None)
    await interaction.client.desk.take(interaction, request)


async def cancel(interaction: "discord.Interaction[Atelier]", job_id: int) -> None:
    """Call the job off; its message says so by itself."""
    await interaction.response.defer()
    studio = interaction.client.studio
    job = await studio.job(job_id)
    if await studio.cancel(job_id, by=acting_as(interaction, job)):
        await noted_on_job(interaction, "cancelled", job)
    else:
        await reply(interaction, f"Job {job_id} is already done.")


async def delete(interaction: "discord.Interaction[Atelier]", job_id: int) -> None:
    """Remove the job, its pictures and its messages."""
    await interaction.response.defer()
    studio = interaction.client.studio
    job = await studio.job(job_id)
    await interaction.client.gallery.delete(interaction, job_id, by=acting_as(interaction, job))
    await noted_on_job(interaction, "deleted", job)
    with contextlib.suppress(discord.NotFound):  # somebody was quicker
        await interaction.delete_original_response()


VERBS: dict[str, tuple[str | None, str, discord.ButtonStyle, Act]] = {
    "again": ("Again", "🔁", discord.ButtonStyle.primary, again),
    "cancel": ("Cancel", "✖️", discord.ButtonStyle.secondary, cancel),
    "star": (None, "⭐", discord.ButtonStyle.secondary, star),
    "delete": ("Delete", "🗑️", discord.ButtonStyle.secondary, delete),
}
