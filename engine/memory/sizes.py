"""Amounts of memory, as people write and read them."""

import re

from engine.errors import AtelierError
from speech import say

_UNITS = {"": 1, "b": 1} | {
    prefix + suffix: base**power
    for power, prefix in enumerate("kmgt", start=1)
    for suffix, base in (("", 1000), ("b", 1000), ("ib", 1024))
}


class InvalidSize(AtelierError):
    """The text names no amount of memory."""


def parse_size(text: str) -> int:
    """Bytes of an amount such as “8GB” (8 × 10⁹), “7.5 GiB” (7.5 × 2³⁰) or “1500 MB”.

    Raises:
        InvalidSize: When `text` is no amount, or nothing.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text, re.IGNORECASE)
    unit = _UNITS.get(match[2].lower()) if match else None
    if not match or not unit or not float(match[1]):
        raise InvalidSize(
            say("“{text}” isn't a memory size. Write it like 8GB, 7.5GiB or 1500MB.", text=text)
        )
    return int(float(match[1]) * unit)


def in_words(size: int) -> str:
    """Bytes in words, such as “9.8 GB” or “246 MB”; decimal units, as downloads are told."""
    if size < 10**9:
        return f"{size / 10**6:.0f} MB"
    return f"{size / 10**9:.1f} GB"
