"""Files that are there whole or not at all, whoever else writes them, and whenever power fails."""

import os
import secrets
from pathlib import Path


def write_whole(file: Path, data: bytes) -> None:
    """Write `file`, in a folder that is made if need be. Blocks; raises `OSError`.

    It is gathered under a name of its own, so that two may write the same at once.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    gathered = file.with_suffix(f".{secrets.token_hex(4)}.partial")
    try:
        with gathered.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        gathered.replace(file)
    finally:
        gathered.unlink(missing_ok=True)
