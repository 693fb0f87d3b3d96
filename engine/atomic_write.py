"""Writes files completely or not at all, even if another process writes them or power fails."""

import os
import secrets
from pathlib import Path


def write_whole(file: Path, data: bytes) -> None:
    """Write `file`, creating its folder if need be. Blocks; raises `OSError`.

    It is written under a name of its own first, so that two can write the same file at once.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(f".{secrets.token_hex(4)}.partial")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
