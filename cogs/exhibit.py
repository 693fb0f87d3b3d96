"""One job with all that is known of it, for whoever asked alone."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import discord
from discord import ui

from cogs.buttons import JobButton
from cogs.cards import COLOURS, byline, quoted, settings_line, shortened
from cogs.home import Home
from cogs.sight import jump_url
from cogs.uploads import Upload, encodings
from engine import Job, JobState

if TYPE_CHECKING:
    from cogs.bot import Atelier

STANDS = {
    JobState.QUEUED: "⏳ in line",
    JobState.RUNNING: "🎨 being painted",
    JobState.PAINTED: "painted",
    JobState.POSTED: "painted",
    JobState.FAILED: "⚠️ failed",
    JobState.CANCELLED: "cancelled",
}
"""Where a job stands, in words."""

GONE = "The files of its pictures are gone; **Again** paints it anew."


async def exhibit(interaction: "discord.Interaction[Atelier]", job: Job) -> None:
    """Show the job to whoever asked; that they may see it has been checked."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio = interaction.client.studio
    stars = await studio.favourites.count(job.id)
    uploads = await asyncio.to_thread(_pictures, job, interaction.filesize_limit)
    await interaction.edit_original_response(
        view=_view(job, stars, uploads),
        attachments=[upload.file() for upload in uploads],
        allowed_mentions=discord.AllowedMentions.none(),
    )


def _pictures(job: Job, limit: int) -> Sequence[Upload]:
    """The pictures as good as they fit; none when their files are gone. Blocks."""
    try:
        return next(encodings(job.pictures, limit), ())
    except OSError:
        return ()


def _view(job: Job, stars: int, uploads: Sequence[Upload]) -> ui.LayoutView:
    facts = [STANDS[job.state], f"<t:{int(job.created_at)}:f>"]
    if stars:
        facts.append(f"⭐ {stars}")
    if link := jump_url(Home.from_json(job.home)):
        facts.append(f"[there]({link})")
    lines = [
        quoted(job.recipe.prompt),
        f"-# {byline(job)} · {' · '.join(facts)}",
        f"-# {settings_line(job.recipe)}",
    ]
    if job.error:
        lines.append(job.error)
    colour = COLOURS[JobState.PAINTED if job.state is JobState.POSTED else job.state]
    container: ui.Container[ui.LayoutView] = ui.Container(
        ui.TextDisplay(shortened("\n".join(lines), 4000)), accent_colour=colour
    )
    if uploads:
        alt = shortened(job.recipe.prompt, 200)
        items = [
            discord.MediaGalleryItem(f"attachment://{x.name}", description=alt) for x in uploads
        ]
        container.add_item(ui.MediaGallery(*items))
    elif job.pictures:
        container.add_item(ui.TextDisplay(GONE))
    verbs = ("again", "star") if uploads else ("again",)
    container.add_item(ui.ActionRow(*(JobButton(verb, job.id) for verb in verbs)))
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    return view
