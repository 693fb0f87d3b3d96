"""SHA-256 of files, each read once: what was read is kept, by size and time of change."""

import contextlib
import hashlib
import json
import os
import re
import threading
from pathlib import Path

from engine.atomic_write import write_whole

DIGEST = re.compile(r"[0-9a-f]{64}")
MOST_KNOWN = 10_000
"""Files that are remembered; the start pictures of years would be many more."""

LARGE = 50_000_000
"""Bytes from which a hash is written down at once: it took a while."""


class FileHashes:
    """The hashes of files; any thread may ask. Its methods block."""

    def __init__(self, file: Path | None = None) -> None:
        """Take the file in which they are kept for the next start, if they are."""
        self._file = file
        self._lock = threading.Lock()
        self._known: dict[str, list[int | str]] = self._load()

    def _load(self) -> dict[str, list[int | str]]:
        with contextlib.suppress(OSError, ValueError):
            if self._file is not None:
                found = json.loads(self._file.read_text("utf-8"))
                return found if isinstance(found, dict) else {}
        return {}

    def of(self, file: Path) -> str:
        """The SHA-256 of a file, in hexadecimal digits. Raises `OSError`.

        The Hugging Face cache names large files by theirs.
        """
        if file.is_symlink() and DIGEST.fullmatch(name := Path(os.readlink(file)).name):
            return name
        state = file.stat()
        key, mark = str(file.absolute()), [state.st_size, state.st_mtime_ns]
        known = self._known.get(key)
        if isinstance(known, list) and known[:2] == mark and len(known) == 3:
            return str(known[2])
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        with self._lock:
            if len(self._known) >= MOST_KNOWN:
                for oldest in list(self._known)[: MOST_KNOWN // 2]:
                    del self._known[oldest]
            self._known[key] = [*mark, digest]
            if state.st_size >= LARGE:
                self._save()
        return digest

    def _save(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # they are read again then
                write_whole(self._file, json.dumps(self._known).encode())
