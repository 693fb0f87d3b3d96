"""How large a picture of a stranger may be, told from its first bytes and before it is decoded.

Decoders trust what a file says of itself: 34 bytes of WebP make one take 770 MB, and a progressive
JPEG of 100 kB that repeats its scans takes seconds.
"""

import struct

from engine.errors import InvalidRequest
from speech import say

MAX_PIXELS = 50_000_000
"""Of an upload; a good camera's photos have as many."""

MAX_SCANNED = 600_000_000
"""Pixels times scans of a JPEG. Encoders write up to a dozen scans; each goes over every pixel."""

START_OF_SCAN = b"\xff\xda"


def check_limits(data: bytes) -> None:
    """Raise `InvalidRequest` for what would take too much memory or time to decode.

    What says nothing of its size passes: it's for the decoder to refuse.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        check_pixels(*_webp_size(data))
    elif data[:2] == b"\xff\xd8":
        width, height = _jpeg_size(data)
        check_pixels(width, height)
        # In a scan, 0xFF is followed by 0; only thumbnails in the header are counted too much.
        if width * height * data.count(START_OF_SCAN) > MAX_SCANNED:
            raise InvalidRequest(
                say("This JPEG is made so that it takes too long to read. Save it anew as PNG.")
            )


def check_pixels(width: int, height: int) -> None:
    """Raise `InvalidRequest` for a picture with too many pixels."""
    if width * height > MAX_PIXELS:
        raise InvalidRequest(
            say(
                "The picture has {width}×{height} pixels; the limit is {most} million.",
                width=width,
                height=height,
                most=MAX_PIXELS // 10**6,
            )
        )


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of a WebP (RFC 9649); zeros if the header is cut off or unknown."""
    head = data[12:30].ljust(18, b"\0")
    match head[:4]:
        case b"VP8X":
            return (
                int.from_bytes(head[12:15], "little") + 1,
                int.from_bytes(head[15:18], "little") + 1,
            )
        case b"VP8L":
            bits = int.from_bytes(head[9:13], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack("<HH", head[14:18])
            return width & 0x3FFF, height & 0x3FFF
        case _:
            return 0, 0


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height in the first frame header of a JPEG (ITU T.81, B.2.2); zeros without one."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes
            at += 1
            continue
        if marker == 0xD8 or 0xD0 <= marker <= 0xD7 or marker == 0x01:
            at += 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0, 0
