"""The star button of a result, which counts its stars."""

from typing import Any
from urllib.parse import urlsplit

import discord
from discord import ui

from cogs.context import Interaction
from cogs.gallery.gallery import Gallery
from engine import InvalidRequest
from speech import phrase, say

NO_PICTURE_YET = phrase("There's no picture to star yet. Wait until it's painted.")


async def star(interaction: Interaction, job_id: int) -> None:
    """Star the job, or remove your star. The first star posts it in the gallery."""
    studio = interaction.client.studio
    job = await studio.job(job_id)
    if not job.pictures:
        raise InvalidRequest(say(NO_PICTURE_YET))
    starred = await studio.favourites.toggle(str(interaction.user.id), job_id)
    assert interaction.message is not None, "a button is on a message"
    view = with_star_count(interaction.message, job_id, await studio.favourites.count(job_id))
    await interaction.response.edit_message(
        view=view, allowed_mentions=discord.AllowedMentions.none()
    )
    if starred:
        await interaction.client.services[Gallery].repost(interaction, job)


def with_star_count(message: discord.Message, job_id: int, count: int) -> ui.LayoutView:
    """The message's view with another number on its star."""
    view = ui.LayoutView.from_message(message, timeout=None)
    for item in view.walk_children():
        if isinstance(item, ui.Button) and item.custom_id == f"atelier:star:{job_id}":
            item.label = str(count) if count else None
        elif isinstance(item, ui.MediaGallery):
            item.items = [_with_attachment_reference(each) for each in item.items]
        elif isinstance(item, ui.Thumbnail):
            item.media = _attachment_reference(item.media)
    view.stop()  # discord.py needn't remember it: the buttons are rebuilt from their custom IDs
    return view


def _with_attachment_reference(item: discord.MediaGalleryItem) -> discord.MediaGalleryItem:
    return discord.MediaGalleryItem(
        _attachment_reference(item.media), description=item.description, spoiler=item.spoiler
    )


def _attachment_reference(media: discord.UnfurledMediaItem) -> Any:
    """The reference to an attachment by its name; its URL expires after a day."""
    if media.attachment_id is None:
        return media
    return f"attachment://{urlsplit(media.url).path.rpartition('/')[2]}"
