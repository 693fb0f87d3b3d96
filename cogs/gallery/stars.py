"""The star on a result: everybody has their own, and the button counts them."""

from typing import Any
from urllib.parse import urlsplit

import discord
from discord import ui

from cogs.context import Interaction
from cogs.gallery.gallery import Gallery
from engine import InvalidRequest
from speech import phrase, say

NOTHING_YET = phrase("There's no picture to star yet. Wait until it's painted.")


async def star(interaction: Interaction, job_id: int) -> None:
    """Star the job, or remove your star. The first star posts it in the gallery."""
    studio = interaction.client.studio
    job = await studio.job(job_id)
    if not job.pictures:
        raise InvalidRequest(say(NOTHING_YET))
    starred = await studio.favourites.toggle(str(interaction.user.id), job_id)
    assert interaction.message is not None, "a button is on a message"
    view = counted(interaction.message, job_id, await studio.favourites.count(job_id))
    await interaction.response.edit_message(
        view=view, allowed_mentions=discord.AllowedMentions.none()
    )
    if starred:
        await interaction.client.services[Gallery].offer(interaction, job)


def counted(message: discord.Message, job_id: int, count: int) -> ui.LayoutView:
    """The message as it is, but for the number on its star."""
    view = ui.LayoutView.from_message(message, timeout=None)
    for item in view.walk_children():
        if isinstance(item, ui.Button) and item.custom_id == f"atelier:star:{job_id}":
            item.label = str(count) if count else None
        elif isinstance(item, ui.MediaGallery):
            item.items = [_kept(each) for each in item.items]
        elif isinstance(item, ui.Thumbnail):
            item.media = _own(item.media)
    view.stop()  # the buttons are rebuilt from their ids; discord.py need not remember this view
    return view


def _kept(item: discord.MediaGalleryItem) -> discord.MediaGalleryItem:
    return discord.MediaGalleryItem(
        _own(item.media), description=item.description, spoiler=item.spoiler
    )


def _own(media: discord.UnfurledMediaItem) -> Any:
    """An attachment by its name: its address on Discord's servers is only good for a day."""
    if media.attachment_id is None:
        return media
    return f"attachment://{urlsplit(media.url).path.rpartition('/')[2]}"
