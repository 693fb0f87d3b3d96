"""Whether a bot is running on the data folder."""

from pathlib import Path

from filelock import FileLock, Timeout

from engine.folder_lock import NAME
from engine.local_paths import exists

PICKED_UP = "The running bot picks this up within a few seconds."


def bot_is_running(folder: Path) -> bool:
    """Whether another process holds the lock of the data folder."""
    lock = folder / NAME
    if not exists(lock):
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
