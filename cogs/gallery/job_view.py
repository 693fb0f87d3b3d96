"""Shows a single job with its pictures, settings and state, only to the user."""

import asyncio
from collections.abc import Sequence

import discord
from discord import ui

from cogs.context import Interaction
from cogs.markdown import in_markdown, shortened_markdown
from cogs.message_ref import MessageRef
from cogs.messages.buttons import JobButton
from cogs.messages.cards import COLOURS, author_line, settings_line
from cogs.messages.control_map import FittedMap, control_map
from cogs.messages.encodings import Upload, encodings, total_bytes
from cogs.messages.text import quoted, shortened
from cogs.policy.access import may_release
from cogs.policy.nsfw import Exposure, exposure_to_user, is_privileged, verdict_summary
from cogs.policy.visibility import jump_url
from engine import Job, JobState
from speech import current_language, phrase, say

STATE_LABELS = {
    JobState.QUEUED: phrase("⏳ queued"),
    JobState.RUNNING: phrase("🎨 painting"),
    JobState.PAINTED: phrase("painted"),
    JobState.POSTED: phrase("painted"),
    JobState.FAILED: phrase("⚠️ failed"),
    JobState.CANCELLED: phrase("cancelled"),
}
"""The states of a job, in words."""

FILES_GONE = phrase("The picture files are gone. **Again** paints a new version.")
TOO_LARGE = phrase(
    "The pictures are too large to show here. Open their own message, or try again where "
    "Discord allows larger files."
)
WITHHELD = phrase("The pictures are withheld here. A moderator can release them.")


async def show_job(interaction: Interaction, job: Job) -> None:
    """Show the job to the user, after the check that they may see it."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio = interaction.client.studio
    stars = await studio.favourites.count(job.id)
    exposure = await exposure_to_user(interaction, job)
    uploads: Sequence[Upload] = ()
    painted_along: FittedMap | None = None
    notice = ""
    if exposure.withheld:
        notice = f"🔒 {say(WITHHELD)}"
    elif job.pictures:
        try:
            uploads = await asyncio.to_thread(_encoded_pictures, job, interaction.filesize_limit)
        except OSError:
            notice = say(FILES_GONE)
        else:
            notice = "" if uploads else say(TOO_LARGE)
            if uploads:
                room = interaction.filesize_limit - total_bytes(uploads)
                painted_along = await _map(interaction, job, exposure, room)
    objections = ""
    if exposure.spoilered and may_release(interaction, job):
        objections = verdict_summary(await studio.safety.verdicts(job.id))
    await interaction.edit_original_response(
        view=_view(job, stars, uploads or notice, exposure.spoilered, objections, painted_along),
        attachments=[
            upload.file()
            for upload in (*uploads, *([painted_along.upload] if painted_along else []))
        ],
        allowed_mentions=discord.AllowedMentions.none(),
    )


async def _map(
    interaction: Interaction, job: Job, exposure: Exposure, room: int
) -> FittedMap | None:
    """The map that the pictures were painted along, if there is one that the user may see."""
    here = MessageRef.of(
        interaction,
        current_language(),
        private=is_privileged(interaction, job),
        token_only=True,
    )
    found = await control_map(interaction.client, job, here, exposure)
    return await found.fitted(room) if found else None


def _encoded_pictures(job: Job, limit: int) -> Sequence[Upload]:
    """The pictures in the best encoding that fits; none when they are too large. Blocks.

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
    painted_along: FittedMap | None,
) -> ui.LayoutView:
    """The job as components.

    Args:
        job: The job.
        stars: The number of users who starred it.
        pictures: Its pictures, or why they aren't shown; empty if it has none.
        spoilered: The indices of those that are hidden as spoilers.
        objections: What the safety checker flagged, if the user may release the pictures.
        painted_along: The attached map that they were painted along, if it is shown.
    """
    facts = [say(STATE_LABELS[job.state]), f"<t:{int(job.created_at)}:f>"]
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
        lines.append(in_markdown(job.error))
    if objections:
        lines.append(f"🔒 {objections}")
    colour = COLOURS[JobState.PAINTED if job.state is JobState.POSTED else job.state]
    container: ui.Container[ui.LayoutView] = ui.Container(
        ui.TextDisplay(shortened_markdown("\n".join(lines), 4000)), accent_colour=colour
    )
    verbs = ["again"]
    if isinstance(pictures, str):
        if pictures:
            container.add_item(ui.TextDisplay(pictures))
    else:
        alt = shortened(job.recipe.prompt, 200)
        items = [
            discord.MediaGalleryItem(
                f"attachment://{upload.name}", description=alt, spoiler=index in spoilered
            )
            for index, upload in enumerate(pictures)
        ]
        container.add_item(ui.MediaGallery(*items))
        if painted_along is not None:
            container.add_item(painted_along.shown.section())
        verbs.append("star")
        verbs += ["properly"] if job.recipe.draft_of is not None else []
    verbs += ["release"] if objections else []
    container.add_item(ui.ActionRow(*(JobButton(verb, job.id) for verb in verbs)))
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    return view
