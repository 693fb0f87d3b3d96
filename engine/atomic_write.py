"""Writes files completely or not at all, even if another process writes them or power fails.

A file is written under a name of its own first, so that two can write the same file at once. It is
locked meanwhile: what isn't was left by a process that was killed.
"""

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from engine.errors import StorageError
from engine.private_files import FILE, private_folder
from speech import say

try:
    import fcntl
except ImportError:  # Windows doesn't delete what is open
    fcntl = None  # type: ignore[assignment]

BINARY: int = getattr(os, "O_BINARY", 0)
"""Windows would change line ends without it."""

PARTIAL = ".partial"
"""How the names of unfinished files end."""

MOMENT = 2.0
"""Seconds after its last change in which a file may be about to be locked, or to get its name."""


@contextlib.contextmanager
def unfinished(file: Path, *sides: str) -> Iterator[BinaryIO]:
    """A file that takes the place of `file` at the end, unless that raises. Blocks.

    Only the program's own account can read it. Its path is the `name` of the stream. What killed
    processes have left of `file` is removed.

    Args:
        file: Its folder has to exist.
        sides: What the names of other files begin with after its own, which are removed with it.

    Raises:
        OSError: The disk is full or refuses.
    """
    _remove_left(file, sides)
    partial = file.with_name(f"{file.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        with open(partial, "x+b", opener=_open_private) as stream:
            if fcntl is not None:
                with contextlib.suppress(OSError):  # not every network drive knows locks
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    finally:
        _remove(partial, sides)


def write_whole(file: Path, data: bytes) -> None:
    """Write `file`, creating its folder if need be. Blocks; raises `OSError`.

    Only the program's own account can read it.
    """
    private_folder(file.parent)
    with unfinished(file) as stream:
        stream.write(data)


def write_or_say(file: Path, data: bytes) -> None:
    """As `write_whole`, but raises `StorageError`, with a sentence."""
    try:
        write_whole(file, data)
    except OSError as error:
        raise StorageError(
            say("{file} can't be written: {reason}.", file=file, reason=str(error))
        ) from error


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | BINARY, FILE)


def _remove_left(file: Path, sides: Sequence[str]) -> None:
    """Remove what killed processes have left of `file`, as far as that can be done."""
    name = re.compile(rf"{re.escape(file.name)}\.[0-9a-f]{{8}}{re.escape(PARTIAL)}")
    with contextlib.suppress(OSError):
        for found in os.listdir(file.parent):
            if name.fullmatch(found) and _is_left(partial := file.with_name(found)):
                _remove(partial, sides)


def _is_left(partial: Path) -> bool:
    """Whether no process writes that file."""
    try:
        if time.time() - partial.stat().st_mtime < MOMENT:
            return False
        if fcntl is not None:
            with partial.open("r+b") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove(partial: Path, sides: Sequence[str]) -> None:
    for each in (*(partial.with_name(partial.name + side) for side in sides), partial):
        with contextlib.suppress(OSError):
            each.unlink(missing_ok=True)
