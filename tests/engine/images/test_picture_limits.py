"""What would take too much memory or time is refused before it is decoded."""

import struct
import time
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from engine.errors import InvalidRequest
from engine.images.picture_limits import MAX_PIXELS, check_limits


def saved(kind: str, size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    buffer = BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(buffer, kind, **options)
    return buffer.getvalue()


def webp(kind: bytes, head: bytes) -> bytes:
    body = b"WEBP" + kind + struct.pack("<I", len(head)) + head
    return b"RIFF" + struct.pack("<I", len(body)) + body


SIDE = 16383
LOSSLESS = b"\x2f" + ((SIDE - 1) | (SIDE - 1) << 14).to_bytes(4, "little")
EXTENDED = bytes(4) + (SIDE - 1).to_bytes(3, "little") * 2
LOSSY = b"\x10\x02\0\x9d\x01\x2a" + struct.pack("<HH", SIDE, SIDE)


@pytest.mark.parametrize(
    "data", [webp(b"VP8L", LOSSLESS), webp(b"VP8X", EXTENDED), webp(b"VP8 ", LOSSY)]
)
def test_a_webp_of_34_bytes_that_wants_a_gigabyte(data: bytes) -> None:
    """It took 770 MB of memory before, six at once 2.8 GB."""
    assert len(data) <= 34
    with pytest.raises(InvalidRequest, match="16383×16383 pixels"):
        check_limits(data)


def with_scans(data: bytes, copies: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    at = data.rindex(b"\xff\xda")
    return data[:-2] + data[at:-2] * copies + data[-2:]


def test_a_jpeg_that_repeats_its_scans() -> None:
    """Twelve of 106 kB held up another's picture for 36 seconds before."""
    side = int(MAX_PIXELS**0.5) // 4
    honest = saved("JPEG", (side, side), progressive=True, quality=5)
    check_limits(honest)
    begun = time.process_time()
    with pytest.raises(InvalidRequest, match="takes too long to read"):
        check_limits(with_scans(honest, 400))
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "exif": b"Exif\0\0" + bytes(500)}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0" + bytes(50)}),
    ],
)
@pytest.mark.parametrize("cut", [None, 40, 25, 3])
def test_honest_pictures_and_what_is_left_of_them_pass(
    kind: str, options: dict[str, Any], cut: int | None
) -> None:
    check_limits(saved(kind, **options)[:cut])
