"""Small copies of pictures, for lists."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from cogs.messages.encodings import Upload

SIDE = 256
"""Pixels at most; Discord shows thumbnails at a third of it."""


def thumbnail(file: Path, name: str) -> Upload | None:
    """The picture in `file` as a small WebP called `name`; `None` when it is gone or damaged.

    Blocks: call it in a thread.
    """
    buffer = BytesIO()
    try:
        with Image.open(file) as image:
            image.thumbnail((SIDE, SIDE))
            image.convert("RGB").save(buffer, "WEBP", quality=80)
    except (OSError, SyntaxError):
        return None
    return Upload(f"{name}.webp", buffer.getvalue())
