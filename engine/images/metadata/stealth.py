"""Settings hidden in the lowest bits of the pixels, as NovelAI does ("stealth pnginfo").

The bits go down the columns, the first column first: a signature of 15 letters, the length in bits
in 32 bits, and the text, packed with gzip or not. It survives where text chunks are removed.
"""

import math
import struct
import warnings
import zlib
from io import BytesIO

from PIL import Image

from engine.errors import InvalidRequest
from engine.images.picture_limits import check_limits
from engine.images.png_chunks import needed_chunks

SIGNATURES = {
    b"stealth_pngcomp": ("A", True),
    b"stealth_pnginfo": ("A", False),
    b"stealth_rgbcomp": ("RGB", True),
    b"stealth_rgbinfo": ("RGB", False),
}
"""Each signature: the channels that hold the bits, and whether the text is packed."""

SIGNATURE_BITS = 15 * 8
MAX_PIXELS = 20_000_000
MAX_BITS = 4_000_000
MAX_TEXT = 1_000_000

BIT = bytes(b"01"[value & 1] for value in range(256))
"""Maps a value to the digit of its lowest bit."""

ERRORS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError),
    *(AttributeError, MemoryError, struct.error, zlib.error, InvalidRequest),
)


def hidden_text(data: bytes) -> str:
    """The text hidden in a picture's pixels; empty if there is none. Decodes the picture."""
    try:
        check_limits(data)
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(needed_chunks(data).data), formats=("PNG", "WEBP")) as image:
                lossy = image.format == "WEBP" and image.mode != "RGBA"
                if image.width * image.height > MAX_PIXELS or lossy:
                    return ""
                if image.mode not in ("RGBA", "RGB"):
                    return ""
                image.load()
                return _read(image, "A") if image.mode == "RGBA" else _read(image, "RGB")
    except (*ERRORS, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return ""


def _read(image: Image.Image, channels: str) -> str:
    head = _bits(image, channels, SIGNATURE_BITS + 32)
    if len(head) < SIGNATURE_BITS + 32:
        return ""
    kept = SIGNATURES.get(_bytes(head[:SIGNATURE_BITS]))
    if kept is None or kept[0] != channels:
        return _read(image, "RGB") if channels == "A" else ""
    length = int(head[SIGNATURE_BITS:], 2)
    if not 0 < length <= MAX_BITS:
        return ""
    start = SIGNATURE_BITS + 32
    payload = _bytes(_bits(image, channels, start + length)[start:])
    if kept[1]:
        payload = zlib.decompressobj(wbits=31).decompress(payload, MAX_TEXT)
    return payload.decode("utf-8", "replace")


def _bits(image: Image.Image, channels: str, count: int) -> bytes:
    """The first `count` lowest bits of the columns, as digits."""
    pixels = math.ceil(count / len(channels))
    columns = min(math.ceil(pixels / image.height), image.width)
    part = image.crop((0, 0, columns, image.height)).transpose(Image.Transpose.TRANSPOSE)
    part = part.getchannel("A") if channels == "A" else part.convert("RGB")
    return part.tobytes().translate(BIT)[:count]


def _bytes(digits: bytes) -> bytes:
    size = len(digits) // 8
    return int(digits[: size * 8] or b"0", 2).to_bytes(size, "big")
