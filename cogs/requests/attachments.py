"""Pictures that members send along to start from: looked at before they are fetched."""

import discord

from engine import InvalidRequest, Studio
from speech import say

MOST_BYTES = 25_000_000
"""Of a picture to start from; a photo from a good camera has as many."""

KINDS = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp")
"""Content types that the engine reads."""


def require_picture(attachment: discord.Attachment) -> None:
    """Raise `InvalidRequest` when what Discord tells of the file rules it out."""
    name = discord.utils.escape_markdown(attachment.filename)
    if (attachment.content_type or "").partition(";")[0] not in KINDS:
        raise InvalidRequest(
            say(
                "“{name}” isn't a supported picture. Send a PNG, JPEG or WebP file.",
                name=name,
            )
        )
    if attachment.size > MOST_BYTES:
        raise InvalidRequest(
            say(
                "“{name}” is {size:.0f} MB, but the limit is {most:.0f} MB. Send a smaller "
                "picture.",
                name=name,
                size=attachment.size / 1e6,
                most=MOST_BYTES / 1e6,
            )
        )


async def keep(attachment: discord.Attachment, studio: Studio) -> str:
    """Fetch the picture and have the studio keep it; the name to ask for it by.

    Raises:
        InvalidRequest: When it cannot be fetched, or is no picture.
        StorageError: When it cannot be written down.
    """
    return await studio.init_images.keep(await fetched(attachment))


async def keep_mask(attachment: discord.Attachment, image: str, studio: Studio) -> str:
    """Fetch the mask of the picture kept as `image`, and have it kept; the name to ask for it by.

    Raises:
        InvalidRequest: When it cannot be fetched, or is no mask of that picture.
        StorageError: When it cannot be written down.
    """
    return await studio.init_images.keep_mask(await fetched(attachment), image)


async def fetched(attachment: discord.Attachment) -> bytes:
    """The file that was sent along. Raises `InvalidRequest` when it cannot be fetched."""
    try:
        return await attachment.read()
    except discord.HTTPException as error:
        raise InvalidRequest(
            say("Couldn't get your picture from Discord. Send it again.")
        ) from error
