"""Reads pictures of strangers, whatever is in their files."""

import struct
import warnings
import zlib
from io import BytesIO

from PIL import Image

from engine.errors import InvalidRequest
from engine.images.colours import as_srgb, grey_8_bits, scaled_transparency
from engine.images.exif_orientation import apply_exif_orientation
from engine.images.picture_limits import check_limits, check_pixels
from engine.images.png_chunks import SIGNATURE, needed_chunks
from speech import say

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")

BEGINNINGS = (SIGNATURE, b"\xff\xd8\xff", b"RIFF", b"GIF8")
"""Of files that are pictures, even if they can't be read."""

TILE_WIDTH, TILE_LENGTH = 322, 323
"""Tags of the size in which a TIFF is decoded (TIFF 6.0, section 15)."""

READ_ERRORS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError),
    *(AttributeError, struct.error, zlib.error),
)
"""What Pillow raises at damaged files."""


def read_picture(
    data: bytes, most: int | None = None, formats: tuple[str, ...] = FORMATS
) -> Image.Image:
    """The picture (the first frame of several), upright, in sRGB.

    Args:
        data: Its file.
        most: Pixels that a side may have; a larger picture is scaled down.
        formats: Pillow's names of the formats that are read.

    Raises:
        InvalidRequest: When it isn't a picture, or is too large.
    """
    check_limits(data)
    parts = needed_chunks(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damage that doesn't matter
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(parts.data), formats=formats) as opened:
                check_pixels(*opened.size)
                _check_tiles(opened)
                image = grey_8_bits(apply_exif_orientation(opened))
        if data.startswith(SIGNATURE):
            image = scaled_transparency(image, data[24])
        if most is not None:
            image.thumbnail((most, most))
        return as_srgb(image, parts.profile)
    except InvalidRequest:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidRequest(say("The picture is far too large. Send a smaller one.")) from error
    except READ_ERRORS as error:
        raise InvalidRequest(_why_unreadable(data, error, parts.whole)) from error


def _check_tiles(image: Image.Image) -> None:
    """Raise `InvalidRequest` for a TIFF whose tiles are larger than a picture may be."""
    tags = getattr(image, "tag_v2", {})
    check_pixels(tags.get(TILE_WIDTH, 1), tags.get(TILE_LENGTH, 1))


def _why_unreadable(data: bytes, error: Exception, whole: bool) -> str:
    if not data.startswith(BEGINNINGS):
        return say("This file can't be read as a picture. Send a PNG, JPEG or WebP.")
    cut = not whole or "truncated" in str(error)
    if data[:4] == b"RIFF" and len(data) >= 8:
        cut = cut or struct.unpack_from("<I", data, 4)[0] + 8 > len(data)
    if cut:
        return say("This file can't be read as a picture: its end is missing. Send it again.")
    return say("This file can't be read as a picture: it's damaged. Save it anew and send that.")
