"""Pictures that members send along to start from: looked at before they are fetched."""

import discord

from engine import InvalidRequest, Studio

MOST_BYTES = 25_000_000
"""Of a picture to start from; a photo from a good camera has as many."""

KINDS = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp")
"""Content types that the engine reads."""


def require_picture(attachment: discord.Attachment) -> None:
    """Raise `InvalidRequest` when what Discord tells of the file rules it out."""
    name = discord.utils.escape_markdown(attachment.filename)
    if (attachment.content_type or "").partition(";")[0] not in KINDS:
        raise InvalidRequest(
            f"“{name}” is nothing that a picture can start from: send PNG, JPEG or WebP."
        )
    if attachment.size > MOST_BYTES:
        raise InvalidRequest(
            f"“{name}” has {attachment.size / 1e6:.0f} MB; at most {MOST_BYTES / 1e6:.0f} are "
            "allowed: send a smaller picture."
        )


async def keep(attachment: discord.Attachment, studio: Studio) -> str:
    """Fetch the picture and have the studio keep it; the name to ask for it by.

    Raises:
        InvalidRequest: When it cannot be fetched, or is no picture.
        StorageError: When it cannot be written down.
    """
    try:
        data = await attachment.read()
    except discord.HTTPException as error:
        raise InvalidRequest("Discord does not hand out your picture: send it again.") from error
    return await studio.keep_image(data)
