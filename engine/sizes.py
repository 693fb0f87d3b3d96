"""Numbers of bytes, as people write and read them."""

import re
from collections.abc import Iterable
from pathlib import Path

from engine.errors import AtelierError
from speech import say

_UNITS = {"b": 1} | {
    prefix + suffix: base**power
    for power, prefix in enumerate("kmgt", start=1)
    for suffix, base in (("", 1000), ("b", 1000), ("ib", 1024))
}


class InvalidSize(AtelierError):
    """The text isn't a number of bytes."""


def parse_bytes(text: str) -> int:
    """Bytes from text with a unit: “8GB” (8 × 10⁹), “7.5 GiB” (7.5 × 2³⁰) or “1500 MB”.

    Raises:
        InvalidSize: When `text` isn't a size, or is zero.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text, re.IGNORECASE)
    unit = _UNITS.get(match[2].lower()) if match else None
    if not match or not unit or not float(match[1]):
        raise InvalidSize(
            say("“{text}” isn't a memory size. Write it like 8GB, 7.5GiB or 1500MB.", text=text)
        )
    return int(float(match[1]) * unit)


def size_of(files: Iterable[Path]) -> int:
    """The bytes of files on disk; those that have just been deleted count as nothing."""
    return sum(map(_size, files))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def human_size(size: float) -> str:
    """A number of bytes in words, such as “9.8 GB” or “246 MB”, in decimal units."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        del units[0]
    whole = units[0] == "B" or (units[0] in ("kB", "MB") and size >= 10)
    return f"{size:.{0 if whole else 1}f} {units[0]}"
