"""The texts in a picture's file, by keyword: of PNG, JPEG and WebP, without decoding the pixels."""

import struct
from collections.abc import Iterator

from engine.errors import InvalidRequest
from engine.images.metadata.exif import exif_texts
from engine.images.metadata.png import png_texts, utf8_or_latin1
from speech import say

WITHOUT_TEXTS = (b"GIF87a", b"GIF89a", b"BM")
"""Beginnings of pictures in which no program keeps settings."""

MAX_PARTS = 10_000

PNG_XMP, JPEG_XMP = "XML:com.adobe.xmp", b"http://ns.adobe.com/xap/1.0/\0"
"""Where XMP is in a PNG and in a JPEG (ISO 16684-3); in a WebP it has a chunk of its own."""


def texts_in(data: bytes) -> dict[str, str]:
    """The texts by keyword: those of PNG chunks, EXIF by the names of its tags, and comments.

    Raises:
        InvalidRequest: When the bytes aren't a picture.
    """
    texts = png_texts(data)
    if texts is None and data[:3] == b"\xff\xd8\xff":
        texts = _jpeg_texts(data)
    elif texts is None and data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) > 20:
        texts = _webp_texts(data)
    elif texts is None and data.startswith(WITHOUT_TEXTS) and len(data) > 13:
        texts = {}
    if texts is None:
        raise InvalidRequest(say("This file can't be read as a picture."))
    return texts


def xmp_in(data: bytes) -> str:
    """The XMP of a PNG, JPEG or WebP; empty if there is none."""
    if (texts := png_texts(data)) is not None:
        return texts.get(PNG_XMP, "")
    if data[:3] == b"\xff\xd8\xff":
        bodies = (body for marker, body in _segments(data) if marker == 0xE1)
        found = (body.removeprefix(JPEG_XMP) for body in bodies if body.startswith(JPEG_XMP))
    else:
        found = (body for kind, body in _webp_chunks(data) if kind == b"XMP ")
    return utf8_or_latin1(next(found, b""))


def _jpeg_texts(data: bytes) -> dict[str, str]:
    texts: dict[str, str] = {}
    for marker, body in _segments(data):
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            texts = exif_texts(body) | texts
        elif marker == 0xFE:
            texts.setdefault("Comment", utf8_or_latin1(body.strip(b"\0")))
    return texts


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The segments of a JPEG before its pixels."""
    at = 2
    for _ in range(MAX_PARTS):
        if at + 4 > len(data) or data[at] != 0xFF:
            return
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes
            at += 1
            continue
        if marker in (0xDA, 0xD9):
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + max(length, 2)


def _webp_texts(data: bytes) -> dict[str, str]:
    return next((exif_texts(body) for kind, body in _webp_chunks(data) if kind == b"EXIF"), {})


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a WebP; of anything else none."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return
    at = 12
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            return
        (length,) = struct.unpack_from("<I", data, at + 4)
        yield data[at : at + 4], data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
