"""Files that are there but aren't what they should be, as far as they tell by themselves.

What damages caches: power cuts (empty files), copies to file systems without links (links become
small text files, or nothing), and downloads that other programs left half done.
"""

import os
import re
from pathlib import Path

from engine.hub.errors import CorruptFile
from engine.hub.http_download import digest_for
from engine.hub.local_files import place_of
from engine.hub.sources import Source
from engine.hub.tensor_headers import read_safetensors
from speech import say

NEVER_EMPTY = frozenset({".json", ".safetensors", ".gguf", ".bin", ".model"})
"""Suffixes of files that hold something in every model."""

HASHES = frozenset({40, 64})
"""Digits of Git's SHA-1 and of SHA-256, by which the cache names files."""

HASHED = 1 << 20
"""Bytes up to which files are hashed to see whether they are as on the Hub."""

LINK_TEXT = re.compile(rb"(?:\.\./)+blobs/[0-9a-f]{40,64}\s*")
"""The target of a link in the Hugging Face cache."""

LINK_LIMIT = 500
"""Bytes that the text of a link doesn't exceed."""


def damage_of(path: Path) -> str | None:
    """A sentence about what is wrong with a file of a model; `None` if nothing shows.

    Of large files only the header is read, so a changed byte doesn't show.
    """
    sentence = _suspicion(path)
    return None if sentence and _is_as_on_the_hub(path) else sentence


def intact_place(source: Source) -> Path | None:
    """The file of a source on disk; `None` if it isn't there, or was downloaded and is damaged."""
    place = place_of(source)
    if place is None or not source.is_remote:
        return place
    return place if damage_of(place) is None else None


def _suspicion(path: Path) -> str | None:
    size = path.stat().st_size
    if size == 0 and (path.is_symlink() or path.suffix.lower() in NEVER_EMPTY):
        return say("{path} is empty. Download it again.", path=path)
    if size <= LINK_LIMIT and LINK_TEXT.fullmatch(path.read_bytes()):
        return say("{path} is a link that was copied as text. Download it again.", path=path)
    if path.suffix == ".json" and not _is_closed(path, size):
        return say("{path} is cut off. Download it again.", path=path)
    if path.suffix == ".safetensors":
        try:
            read_safetensors(path)
        except CorruptFile as error:
            return error.sentence
    return None


def _is_as_on_the_hub(path: Path) -> bool:
    """Whether a small file in the cache has the hash that its link names."""
    digest = digest_in_cache(path)
    return digest is not None and path.stat().st_size <= HASHED and has_digest(path, digest)


def digest_in_cache(path: Path) -> str | None:
    """The hash by which the cache names that file; `None` if it isn't a link of the cache."""
    if not path.is_symlink():
        return None
    name = Path(os.readlink(path)).name
    return name if len(name) in HASHES else None


def has_digest(path: Path, digest: str) -> bool:
    """Whether a small file has that hash."""
    found = digest_for(digest, path.stat().st_size)
    found.update(path.read_bytes())
    return found.hexdigest() == digest


def _is_closed(path: Path, size: int) -> bool:
    """Whether a JSON file ends as it begins: with the bracket of an object or of a list."""
    with path.open("rb") as file:
        first = file.read(LINK_LIMIT).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        file.seek(max(0, size - LINK_LIMIT))
        last = file.read().rstrip(b"\0 \t\r\n")[-1:]
    return (first + last) in (b"{}", b"[]")
