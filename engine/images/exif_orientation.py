"""Pictures as they were held, whatever a camera or a phone has written about them."""

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
"""What brings a picture of each orientation upright (Exif 2.32, 4.6.4 A)."""

DAMAGED = (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error)


def apply_exif_orientation(image: Image.Image) -> Image.Image:
    """The picture as it was held, without its Exif; as it is where that cannot be read.

    Only the orientation is looked at: other tags are often of the wrong type, and Pillow cannot
    write those again.

    Raises:
        OSError: The picture itself cannot be read; and what else Pillow raises then.
    """
    image.load()
    try:
        turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except DAMAGED:
        turn = None
    held = image.copy() if turn is None else image.transpose(turn)
    for name in ("exif", "Raw profile type exif"):
        held.info.pop(name, None)
    return held
