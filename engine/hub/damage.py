"""Files of the Hub's cache that are there and yet aren't: empty, cut off, or a link turned to text.

Copying a cache without its links, a full disk, or a crash leave them. They count as missing, so
that a download brings them anew.
"""

import json
import re
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.hub.errors import CorruptFile
from engine.hub.local_files import place_of
from engine.hub.sources import Source, SourceKind
from engine.hub.tensor_headers import read_safetensors

LINK = re.compile(rb"(?:\.\.[/\\])+blobs[/\\][0-9a-f]{40,64}\s*")
"""What a link of the cache becomes where links are copied as text."""

MAX_PARSED = 1_000_000
"""Bytes of a JSON file that is parsed; of a larger one only its end is looked at."""


def is_damaged(file: Path) -> bool:
    """Whether a file can't be what the Hub has, as far as a quick look tells."""
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            if size < 256 and LINK.fullmatch(opened.read()):
                return True
            if file.suffix == ".json":
                return not _is_json(file, size)
        if file.suffix == ".safetensors":
            read_safetensors(file)
    except (CorruptFile, OSError):
        return True
    return size == 0 and file.suffix not in (".txt", ".md")


def drop_damaged(source: Source) -> None:
    """Delete the damaged files of a source on the Hub from the cache, and their content."""
    if source.repo is None or (place := _place(source)) is None:
        return
    files = place.rglob("*") if source.kind is SourceKind.PIPELINE else [place]
    for file in list(files):
        if file.is_symlink() and not file.exists():
            file.unlink()
        elif file.is_file() and is_damaged(file):
            if file.is_symlink():
                file.resolve().unlink(missing_ok=True)
            file.unlink()


def _place(source: Source) -> Path | None:
    try:
        return place_of(source)
    except ModelUnavailable:
        return None


def _is_json(file: Path, size: int) -> bool:
    if size > MAX_PARSED:
        with file.open("rb") as opened:
            opened.seek(-64, 2)
            return opened.read().rstrip()[-1:] in (b"}", b"]")
    try:
        json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True
