"""The texts of a PNG: all chunks up to its end, before and after the pixels, read with bounds."""

import re
import struct
import zlib
from collections.abc import Iterator

from engine.images.metadata.exif import exif_texts
from engine.images.png_chunks import SIGNATURE

MAX_TEXT = 2_000_000
"""Bytes of one text, decompressed."""

MAX_TEXTS = 8_000_000
"""Bytes of all texts of a file."""

MAX_CHUNKS = 100_000

RAW_EXIF = re.compile(r"Raw profile type (exif|APP1)", re.IGNORECASE)
"""Where ImageMagick keeps the EXIF, in hexadecimal."""


def png_texts(data: bytes) -> dict[str, str] | None:
    """The texts by their keywords, the first of each; `None` if it's no PNG."""
    if data[:8] != SIGNATURE or data[12:16] != b"IHDR" or len(data) < 33:
        return None
    texts: dict[str, str] = {}
    left = MAX_TEXTS
    for kind, body in _chunks(data):
        if kind == b"eXIf":
            found = exif_texts(body)
        else:
            keyword, text = _text(kind, body)
            raw = RAW_EXIF.fullmatch(keyword)
            found = exif_texts(_from_hex(text)) if raw else {keyword: text}
        for keyword, text in found.items():
            left -= len(text)
            if keyword and left > 0:
                texts.setdefault(keyword, text)
    return texts


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks that may hold texts. Checksums aren't looked at: wrong ones are common."""
    at = 8
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data):
            return
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        if kind == b"IEND":
            return
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf") and length <= MAX_TEXT:
            yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _text(kind: bytes, body: bytes) -> tuple[str, str]:
    """The keyword and the text of a chunk; both empty if it can't be read."""
    keyword, _, rest = body.partition(b"\0")
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        packed = rest[:1] == b"\1"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    elif packed:
        rest = rest[1:]
    if packed:
        try:
            rest = zlib.decompressobj().decompress(rest, MAX_TEXT)
        except zlib.error:
            return "", ""
    if len(keyword) > 79:
        return "", ""
    return keyword.decode("latin-1"), utf8_or_latin1(rest)


def utf8_or_latin1(data: bytes) -> str:
    """The text; chunks that should be Latin-1 are often UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _from_hex(text: str) -> bytes:
    """The bytes of ImageMagick's raw profile: a name, a length, and hexadecimal lines."""
    digits = "".join(text.split("\n")[3:]).strip()
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""
