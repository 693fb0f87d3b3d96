"""One job with all that is known of it, for whoever asked alone."""

import asyncio
from collections.abc import Sequence

import discord
from discord import ui

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.messages.buttons import JobButton
from cogs.messages.cards import COLOURS, author_line, settings_line
from cogs.messages.encodings import Upload, encodings
from cogs.messages.text import quoted, shortened
from cogs.policy.access import may_release
from cogs.policy.nsfw import exposure_to_user, verdict_summary
from cogs.policy.visibility import jump_url
from engine import Job, JobState
from speech import phrase, resaid, say

STANDS = {
    JobState.QUEUED: phrase("⏳ queued"),
    JobState.RUNNING: phrase("🎨 painting"),
    JobState.PAINTED: phrase("painted"),
    JobState.POSTED: phrase("painted"),
    JobState.FAILED: phrase("⚠️ failed"),
    JobState.CANCELLED: phrase("cancelled"),
}
"""Where a job stands, in words."""

GONE = phrase("The picture files are gone. **Again** paints a new version.")
TOO_LARGE = phrase(
    "The pictures are too large to show here. Open their own message, or try again where "
    "Discord allows larger files."
)
WITHHELD = phrase("The pictures are withheld here. A moderator can release them.")


async def show_job(interaction: Interaction, job: Job) -> None:
    """Show the job to whoever asked; that they may see it has been checked."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio = interaction.client.studio
    stars = await studio.favourites.count(job.id)
    exposure = await exposure_to_user(interaction, job)
    uploads: Sequence[Upload] = ()
    instead = ""
    if exposure.withheld:
        instead = f"🔒 {say(WITHHELD)}"
    elif job.pictures:
        try:
            uploads = await asyncio.to_thread(_pictures, job, interaction.filesize_limit)
        except OSError:
            instead = say(GONE)
        else:
            instead = "" if uploads else say(TOO_LARGE)
    objections = ""
    if exposure.spoilered and may_release(interaction, job):
        objections = verdict_summary(await studio.safety.of(job.id))
    await interaction.edit_original_response(
        view=_view(job, stars, uploads or instead, exposure.spoilered, objections),
        attachments=[upload.file() for upload in uploads],
        allowed_mentions=discord.AllowedMentions.none(),
    )


def _pictures(job: Job, limit: int) -> Sequence[Upload]:
    """The pictures as good as they fit; none when they are too large. Blocks.

    Raises:
        OSError: When their files are gone.
    """
    return next(encodings(job.pictures, limit), ())


def _view(
    job: Job,
    stars: int,
    pictures: Sequence[Upload] | str,
    spoilered: frozenset[int],
    objections: str,
) -> ui.LayoutView:
    """The job as components.

    Args:
        job: The job.
        stars: How many people have starred it.
        pictures: Its pictures, or why they are not shown, if there are any.
        spoilered: The places of those that are hidden as spoilers.
        objections: What whoever asked may overrule.
    """
    facts = [say(STANDS[job.state]), f"<t:{int(job.created_at)}:f>"]
    if stars:
        facts.append(f"⭐ {stars}")
    if link := jump_url(MessageRef.from_json(job.message_ref)):
        facts.append(say("[view message]({link})", link=link))
    lines = [
        quoted(job.recipe.prompt),
        f"-# {author_line(job)} · {' · '.join(facts)}",
        f"-# {settings_line(job.recipe)}",
    ]
    if job.error:
        lines.append(resaid(job.error))
    if objections:
        lines.append(f"🔒 {objections}")
    colour = COLOURS[JobState.PAINTED if job.state is JobState.POSTED else job.state]
    container: ui.Container[ui.LayoutView] = ui.Container(
        ui.TextDisplay(shortened("\n".join(lines), 4000)), accent_colour=colour
    )
    verbs = ["again"]
    if isinstance(pictures, str):
        if pictures:
            container.add_item(ui.TextDisplay(pictures))
    else:
        alt = shortened(job.recipe.prompt, 200)
        items = [
            discord.MediaGalleryItem(
                f"attachment://{each.name}", description=alt, spoiler=place in spoilered
            )
            for place, each in enumerate(pictures)
        ]
        container.add_item(ui.MediaGallery(*items))
        verbs.append("star")
    verbs += ["release"] if objections else []
    container.add_item(ui.ActionRow(*(JobButton(verb, job.id) for verb in verbs)))
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    return view
