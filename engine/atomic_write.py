"""Writes files completely or not at all, even if another process writes them or power fails."""

import os
import secrets
from pathlib import Path

from engine.errors import StorageError
from engine.private_files import FILE, private_folder
from speech import say

BINARY: int = getattr(os, "O_BINARY", 0)
"""Windows would change line ends without it."""


def write_whole(file: Path, data: bytes) -> None:
    """Write `file`, creating its folder if need be. Blocks; raises `OSError`.

    Only the program's own account can read it.

    It is written under a name of its own first, so that two can write the same file at once.
    """
    private_folder(file.parent)
    temporary = file.with_suffix(f".{secrets.token_hex(4)}.partial")
    try:
        handle = os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_EXCL | BINARY, FILE)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def write_or_say(file: Path, data: bytes) -> None:
    """As `write_whole`, but raises `StorageError`, with a sentence."""
    try:
        write_whole(file, data)
    except OSError as error:
        raise StorageError(
            say("{file} can't be written: {reason}.", file=file, reason=str(error))
        ) from error
