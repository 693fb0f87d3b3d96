"""Uploaded init images and masks: checked, converted to plain PNG, and stored by their hash.

A job that is painted again after a restart needs them again, so they are on disk; the recipe has
their names.
"""

import hashlib
import struct
import warnings
import zlib
from collections.abc import Set
from io import BytesIO
from pathlib import Path

from PIL import Image

from engine.atomic_write import write_whole
from engine.errors import InvalidRequest, StorageError
from engine.images.colours import as_srgb, grey_8_bits, scaled_transparency
from engine.images.exif_orientation import apply_exif_orientation
from engine.images.masks import mask_of, may_be_transparent
from engine.images.picture_limits import check_limits, check_pixels
from engine.images.png_chunks import SIGNATURE, needed_chunks
from engine.sizes import size_of
from speech import say

MAX_SIDE = 2048
"""Pixels a side of a stored upload; more than any model here paints."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")

BEGINNINGS = (SIGNATURE, b"\xff\xd8\xff", b"RIFF", b"GIF8")
"""Of files that are pictures, even if they can't be read."""

READ_ERRORS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError),
    *(AttributeError, struct.error, zlib.error),
)
"""What Pillow raises at damaged files."""


class UploadFolder:
    """The folder of uploads. Its methods block: call them on a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, data: bytes) -> str:
        """Store a picture, upright and without transparency; returns its name.

        Raises:
            InvalidRequest: When it isn't a picture, or is too large.
            StorageError: When the disk is full or refuses.
        """
        return self.keep_image(_on_white(_read(data)))

    def keep_mask(self, data: bytes, image: str) -> str:
        """Store the mask of the upload `image`, scaled to its size; returns its name.

        Raises:
            InvalidRequest: When it isn't a picture, marks nothing, or doesn't fit that upload; or
                that upload is gone.
            StorageError: When the disk is full or refuses.
        """
        return self.keep_image(mask_of(_read(data), self.size(image)))

    def keep_image(self, image: Image.Image) -> str:
        """Store what the program itself has drawn; returns its name. Raises `StorageError`."""
        buffer = BytesIO()
        image.save(buffer, "PNG")
        data = buffer.getvalue()
        name = hashlib.sha256(data).hexdigest()[:32] + ".png"
        file = self.path(name)
        try:
            if file.is_file() and file.stat().st_size == len(data):
                file.touch()  # `delete_unused` keeps it a while longer
            else:
                write_whole(file, data)
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

    def total_bytes(self) -> int:
        """The size of all files in the folder."""
        return size_of(self.files())

    def make_room(self, needed: Set[str], before: float, most: float) -> bool:
        """Delete the oldest uploads that aren't `needed` until all take at most `most` bytes.

        Args:
            needed: Names that stay.
            before: Epoch seconds; younger ones stay.
            most: Bytes.

        Returns:
            Whether they take so little now.
        """
        states = ((file, file.stat()) for file in self.files())
        found = sorted((state.st_mtime, state.st_size, file) for file, state in states)
        total = sum(size for _, size, _ in found)
        for changed, size, file in found:
            if total <= most:
                break
            if file.name not in needed and changed < before:
                file.unlink(missing_ok=True)
                total -= size
        return total <= most

    def delete_unused(self, needed: Set[str], before: float) -> int:
        """Delete uploads that aren't `needed` and older than `before` (epoch seconds); how many."""
        unused = [
            file
            for file in self.files()
            if file.name not in needed and file.stat().st_mtime < before
        ]
        for file in unused:
            file.unlink(missing_ok=True)
        return len(unused)

    def require(self, name: str) -> None:
        """Raise `InvalidRequest` unless the upload of that name exists."""
        file = self.path(name)
        if not file.is_file() or not file.stat().st_size:
            raise InvalidRequest(say("The start image is no longer stored. Send it again."))

    def size(self, name: str) -> tuple[int, int]:
        """Width and height of the upload of that name, in pixels. Raises `InvalidRequest`."""
        self.require(name)
        with Image.open(self.path(name)) as image:
            return image.size

    def path(self, name: str) -> Path:
        """The file of the upload of that name."""
        return self._folder / name


def _read(data: bytes) -> Image.Image:
    """The picture (the first frame of several), upright, in sRGB, no larger than is useful."""
    check_limits(data)
    parts = needed_chunks(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(parts.data), formats=FORMATS) as opened:
                check_pixels(*opened.size)
                image = grey_8_bits(apply_exif_orientation(opened))
        if data.startswith(SIGNATURE):
            image = scaled_transparency(image, data[24])
        image.thumbnail((MAX_SIDE, MAX_SIDE))
        return as_srgb(image, parts.profile)
    except InvalidRequest:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidRequest(say("The picture is far too large. Send a smaller one.")) from error
    except READ_ERRORS as error:
        raise InvalidRequest(_why_unreadable(data, error, parts.whole)) from error


def _why_unreadable(data: bytes, error: Exception, whole: bool) -> str:
    if not data.startswith(BEGINNINGS):
        return say("This file can't be read as a picture. Send a PNG, JPEG or WebP.")
    cut = not whole or "truncated" in str(error)
    if data[:4] == b"RIFF" and len(data) >= 8:
        cut = cut or struct.unpack_from("<I", data, 4)[0] + 8 > len(data)
    if cut:
        return say("This file can't be read as a picture: its end is missing. Send it again.")
    return say("This file can't be read as a picture: it's damaged. Save it anew and send that.")


def _on_white(image: Image.Image) -> Image.Image:
    if not may_be_transparent(image):
        return image.convert("RGB")
    layered = image.convert("RGBA")
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered).convert("RGB")
