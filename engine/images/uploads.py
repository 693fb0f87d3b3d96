"""Pictures that people start from: checked, made plain, and kept under the hash of what they show.

A job that is painted again after a restart needs them again, so they lie on disk; the recipe holds
their names.
"""

import hashlib
import warnings
from collections.abc import Set
from io import BytesIO
from pathlib import Path

from PIL import Image

from engine.atomic_write import write_whole
from engine.errors import InvalidRequest, StorageError
from engine.images.exif_orientation import apply_exif_orientation
from engine.images.masks import mask_of, may_have_holes
from speech import say

MAX_PIXELS = 50_000_000
"""Of an upload; a photo from a good camera has as many."""

MAX_SIDE = 2048
"""Pixels a side that are kept; more than any model here paints."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")


class UploadFolder:
    """The folder of kept uploads. Its methods block: call them in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, data: bytes) -> str:
        """Keep a picture, upright and without transparency; its name.

        Raises:
            InvalidRequest: When it is no picture, or too large a one.
            StorageError: When the disk is full or refuses.
        """
        return self.keep_image(_on_white(_read(data)))

    def keep_mask(self, data: bytes, image: str) -> str:
        """Keep the mask of the upload named `image`, brought to its size; its name.

        Raises:
            InvalidRequest: When it is no picture, marks nothing, or is no mask of that one; or
                that one is gone.
            StorageError: When the disk is full or refuses.
        """
        return self.keep_image(mask_of(_read(data), self.size(image)))

    def keep_image(self, image: Image.Image) -> str:
        """Keep what the program itself has drawn; its name. Raises `StorageError`."""
        buffer = BytesIO()
        image.save(buffer, "PNG")
        plain = buffer.getvalue()
        name = hashlib.sha256(plain).hexdigest()[:32] + ".png"
        file = self.path(name)
        try:
            if file.is_file() and file.stat().st_size == len(plain):
                file.touch()  # as good as new: `delete_but` leaves it a while longer
            else:
                write_whole(file, plain)
        except OSError as error:
            raise StorageError(
                say(
                    "The start image couldn't be saved: {reason}.",
                    reason=error.strerror,
                )
            ) from error
        return name

    def files(self) -> list[Path]:
        """All files in the folder."""
        return [file for file in self._folder.rglob("*") if file.is_file()]

    def delete_but(self, needed: Set[str], before: float) -> int:
        """Remove what is not `needed`, by name, and older than that (epoch seconds); how many."""
        unneeded = [
            file
            for file in self.files()
            if file.name not in needed and file.stat().st_mtime < before
        ]
        for file in unneeded:
            file.unlink(missing_ok=True)
        return len(unneeded)

    def require(self, name: str) -> None:
        """Raise `InvalidRequest` unless the upload of that name is there."""
        file = self.path(name)
        if not file.is_file() or not file.stat().st_size:
            raise InvalidRequest(say("The start image is no longer stored. Send it again."))

    def size(self, name: str) -> tuple[int, int]:
        """Width and height of the upload of that name, in pixels. Raises `InvalidRequest`."""
        self.require(name)
        with Image.open(self.path(name)) as image:
            return image.size

    def path(self, name: str) -> Path:
        """Where the upload of that name is."""
        return self._folder / name


def _read(data: bytes) -> Image.Image:
    """The picture, of several the first, as its camera was held, no larger than is useful."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=FORMATS) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise InvalidRequest(
                        say(
                            "The picture has {width}×{height} pixels; the limit is {most} million.",
                            width=opened.width,
                            height=opened.height,
                            most=MAX_PIXELS // 10**6,
                        )
                    )
                image = apply_exif_orientation(opened)
    except InvalidRequest:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidRequest(say("The picture is far too large. Send a smaller one.")) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidRequest(
            say("This file can't be read as a picture. Send a PNG, JPEG or WebP.")
        ) from error
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    return image


def _on_white(image: Image.Image) -> Image.Image:
    if not may_have_holes(image):
        return image.convert("RGB")
    layered = image.convert("RGBA")
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered).convert("RGB")
