"""Finds the line of a key in a TOML file, for error messages.

A small scan for headers and keys, not a parser: the file is known to be valid TOML. For a key it
can't see, such as one inside an inline table, it gives the closest line it can.
"""

import re
from collections.abc import Sequence

PART = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
KEY = rf"{PART}(?:\s*\.\s*{PART})*"
HEADER = re.compile(rf"\s*\[\[?\s*({KEY})\s*\]")
PAIR = re.compile(rf"\s*({KEY})\s*=")


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The line number of the key at `path`, or of its longest known parent."""
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
