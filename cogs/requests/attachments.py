"""Start images and masks that members attach: checked before they are downloaded."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import discord

from cogs.context import Interaction
from cogs.markdown import escaped_line
from engine import InvalidRequest
from speech import say

MAX_BYTES = 25_000_000
"""The largest start image; a photo from a good camera is about as large."""

CONTENT_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp")
"""Content types that the engine reads."""


def require_picture(attachment: discord.Attachment) -> None:
    """Check an attachment by its content type and size, without downloading it.

    Raises:
        InvalidRequest: When it isn't a picture, or is too large.
    """
    name = escaped_line(attachment.filename, 100)
    if (attachment.content_type or "").partition(";")[0] not in CONTENT_TYPES:
        raise InvalidRequest(
            say(
                "“{name}” isn't a supported picture. Send a PNG, JPEG or WebP file.",
                name=name,
            )
        )
    if attachment.size > MAX_BYTES:
        raise InvalidRequest(
            say(
                "“{name}” is {size:.0f} MB, but the limit is {most:.0f} MB. Send a smaller "
                "picture.",
                name=name,
                size=math.ceil(attachment.size / 1e6),
                most=MAX_BYTES / 1e6,
            )
        )


async def store_image(interaction: Interaction, attachment: discord.Attachment) -> str:
    """Download a start image and store it; returns the name to request it by.

    Raises:
        InvalidRequest: When it can't be downloaded, or isn't a picture.
        LimitReached: When the user has uploaded too much.
        StorageError: When it can't be written to disk.
    """
    async with uploaded(interaction, attachment) as data:
        return await interaction.client.studio.init_images.keep(data)


async def store_images(
    interaction: Interaction, attachments: Sequence[discord.Attachment]
) -> tuple[dict[str, int], list[str]]:
    """Download pictures and store them, as far as that is possible.

    Returns:
        The number of each, from 1, by the name to request it by; and what is wrong with others.

    Raises:
        InvalidRequest: When none can be used.
        LimitReached: When the user has uploaded too much.
        StorageError: When one can't be written to disk.
    """
    images: dict[str, int] = {}
    failed: list[tuple[int, InvalidRequest]] = []
    for number, attachment in enumerate(attachments, start=1):
        try:
            require_picture(attachment)
            images.setdefault(await store_image(interaction, attachment), number)
        except InvalidRequest as error:
            failed.append((number, error))
    if failed and not images:
        raise failed[0][1]
    notes: list[str] = [
        say("Picture {number}: {reason}", number=number, reason=error.sentence)
        for number, error in failed
    ]
    return images, notes


async def store_mask(interaction: Interaction, attachment: discord.Attachment, image: str) -> str:
    """Download the mask of the stored start image `image` and store it; returns its name.

    Raises:
        InvalidRequest: When it can't be downloaded, or isn't a mask of that image.
        LimitReached: When the user has uploaded too much.
        StorageError: When it can't be written to disk.
    """
    async with uploaded(interaction, attachment) as data:
        return await interaction.client.studio.init_images.keep_mask(data, image)


@asynccontextmanager
async def uploaded(
    interaction: Interaction, attachment: discord.Attachment
) -> AsyncIterator[bytes]:
    """Download an attachment, and use it inside: one at a time for each user.

    Raises:
        InvalidRequest: When it can't be downloaded.
        LimitReached: When the user has uploaded too much.
        StorageError: When there is no space for uploads.
    """
    limits = interaction.client.studio.upload_limits
    async with limits.turn(f"user:{interaction.user.id}", attachment.size):
        yield await _download(attachment)


async def _download(attachment: discord.Attachment) -> bytes:
    try:
        return await attachment.read()
    except discord.HTTPException as error:
        raise InvalidRequest(
            say("Couldn't get your picture from Discord. Send it again.")
        ) from error
