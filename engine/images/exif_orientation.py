"""Applies the EXIF orientation, whatever else is in the EXIF of a camera or phone."""

import struct

from PIL import ExifTags, Image

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture of each orientation upright (Exif 2.32, 4.6.4 A)."""

EXIF_ERRORS = (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error)


def apply_exif_orientation(image: Image.Image) -> Image.Image:
    """The picture turned upright, without its EXIF; unchanged if that can't be read.

    Only the orientation is used: other tags often have the wrong type, and Pillow can't write those
    again.

    Raises:
        OSError: The picture itself can't be read; Pillow may raise other errors then.
    """
    image.load()
    try:
        turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except EXIF_ERRORS:
        turn = None
    upright = image.copy() if turn is None else image.transpose(turn)
    for name in ("exif", "Raw profile type exif"):
        upright.info.pop(name, None)
    return upright
