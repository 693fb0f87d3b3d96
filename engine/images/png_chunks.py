"""A PNG without what no pixel needs: texts, marks and checksums that keep Pillow from reading it.

Pillow refuses a picture whose text or colour profile is large, or that has a wrong checksum in a
chunk that doesn't matter; other programs show it.
"""

import struct
import zlib
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"

NEEDED = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
KEPT = (b"tRNS", b"eXIf")
"""Chunks that matter, but may have a wrong checksum."""

ORIENTED = (b"Raw profile type exif", b"XML:com.adobe.xmp")
"""Keywords of texts that may say which side is up."""

MAX_PROFILE = 8_000_000
MAX_ORIENTED = 500_000
MAX_EXIF = 2_000_000


class PngParts(NamedTuple):
    """The PNG that is left, its colour profile, and whether its end was reached."""

    data: bytes
    profile: bytes | None
    whole: bool


def needed_chunks(data: bytes) -> PngParts:
    """The chunks that its pixels need. What isn't a PNG stays as it is."""
    if not data.startswith(SIGNATURE):
        return PngParts(data, None, True)
    parts: list[bytes] = [SIGNATURE]
    profile: bytes | None = None
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            if kind == b"IDAT":
                parts.append(data[at:])
            return PngParts(b"".join(parts), profile, False)
        if kind in NEEDED:
            parts.append(data[at:end])
        elif kind == b"iCCP" and profile is None:
            profile = _inflated(data[at + 8 : end - 4].partition(b"\0")[2][1:], MAX_PROFILE)
        elif (kind in KEPT and length <= MAX_EXIF) or _oriented(kind, data[at + 8 : end - 4]):
            parts.append(_with_checksum(data[at : end - 4]))
        if kind == b"IEND":
            return PngParts(b"".join(parts), profile, True)
        at = end
    return PngParts(b"".join(parts), profile, False)


def _with_checksum(chunk: bytes) -> bytes:
    return chunk + struct.pack(">I", zlib.crc32(chunk[4:]))


def _oriented(kind: bytes, body: bytes) -> bool:
    """Whether a text may say which side is up, and is small enough for Pillow."""
    if kind not in (b"tEXt", b"zTXt", b"iTXt") or len(body) > MAX_ORIENTED:
        return False
    keyword, _, rest = body.partition(b"\0")
    if keyword not in ORIENTED:
        return False
    if kind == b"zTXt":
        return _inflated(rest[1:], MAX_ORIENTED) is not None
    if kind == b"iTXt" and rest[:1] == b"\1":
        packed = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        return _inflated(packed, MAX_ORIENTED) is not None
    return True


def _inflated(packed: bytes, most: int) -> bytes | None:
    """The bytes decompressed; `None` if they're damaged or more than `most`."""
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(packed, most)
    except zlib.error:
        return None
    return plain if unpacker.eof else None
