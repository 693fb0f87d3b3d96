"""A single picture with its buttons, shown only to the user who opened it."""

import asyncio

import discord
from discord import ui

from cogs.context import Interaction
from cogs.messages.encodings import Upload, encodings
from cogs.messages.picture_buttons import EDITABLE_ROW, FIRST_ROW, button_row
from cogs.messages.text import shortened
from cogs.policy.model_capabilities import some_model_edits
from cogs.policy.nsfw import exposure_to_user
from engine import InvalidRequest, Job, Parent, UnknownJob
from speech import phrase, say

GONE = phrase("This picture is gone. It was deleted, or removed to free up space.")


async def show_picture(interaction: Interaction, picture: Parent) -> None:
    """Show a picture of a job, which the user may see, with its buttons.

    Raises:
        UnknownJob: When its file is gone.
        InvalidRequest: When it is too large in every encoding.
    """
    job = await interaction.client.studio.job(picture.job_id)
    await interaction.response.defer(ephemeral=True, thinking=True)
    exposure = await exposure_to_user(interaction, job)
    upload = await asyncio.to_thread(encoded_picture, job, picture, interaction.filesize_limit)
    await interaction.edit_original_response(
        view=_view(
            job,
            picture,
            upload,
            spoiler=picture.number in exposure.spoilered,
            editable=some_model_edits(interaction.client.studio.models),
        ),
        attachments=[upload.file()],
        allowed_mentions=discord.AllowedMentions.none(),
    )


def encoded_picture(job: Job, picture: Parent, limit: int) -> Upload:
    """The picture in the best encoding that fits. Blocks: call it in a thread.

    Raises:
        UnknownJob: When its file is gone.
        InvalidRequest: When it is too large in every encoding.
    """
    files = job.pictures[picture.number : picture.number + 1]
    try:
        uploads = next(encodings(files, limit), None)
    except OSError as error:
        raise UnknownJob(say(GONE)) from error
    if uploads is None:
        raise InvalidRequest(say("This picture is too large to show here."))
    if not uploads:
        raise UnknownJob(say(GONE))
    return uploads[0]


def _view(
    job: Job, picture: Parent, upload: Upload, *, spoiler: bool, editable: bool
) -> ui.LayoutView:
    title = say("Picture {number} of job {job}", number=picture.number + 1, job=job.id)
    item = discord.MediaGalleryItem(
        f"attachment://{upload.name}",
        description=shortened(job.recipe.prompt, 200),
        spoiler=spoiler,
    )
    view = ui.LayoutView(timeout=None)
    first_row = EDITABLE_ROW if editable else FIRST_ROW
    rows = (button_row(verbs, picture) for verbs in (first_row, ("more",)))
    view.add_item(ui.Container(ui.TextDisplay(title), ui.MediaGallery(item), *rows))
    return view
