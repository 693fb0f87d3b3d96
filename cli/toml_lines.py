"""Where in a TOML file a key is written, so that a complaint can name the line.

A small scan for headers and keys, not a parser: the file is known to be valid TOML. What it cannot
see, such as a key inside an inline table, is found at the nearest place that it can.
"""

import re
from collections.abc import Sequence

PART = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
KEY = rf"{PART}(?:\s*\.\s*{PART})*"
HEADER = re.compile(rf"\s*\[\[?\s*({KEY})\s*\]")
PAIR = re.compile(rf"\s*({KEY})\s*=")


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The number of the line that has the key at `path`, or else the longest beginning of it."""
    wanted = tuple(path)
    table: tuple[str, ...] = ()
    nearest, line = 0, None
    for number, written in enumerate(text.splitlines(), start=1):
        if header := HEADER.match(written):
            here = table = _parts(header[1])
        elif pair := PAIR.match(written):
            here = table + _parts(pair[1])
        else:
            continue
        shared = len(here) if here == wanted[: len(here)] else 0
        if here[: len(wanted)] == wanted:
            return number
        if shared > nearest:
            nearest, line = shared, number
    return line


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(PART, key))
