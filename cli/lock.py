"""Whether a bot is running on the data folder."""

from pathlib import Path

from filelock import FileLock, Timeout

SEEN = "The running bot sees it within a few seconds."


def bot_is_running(folder: Path) -> bool:
    """Whether another Atelier holds the data folder."""
    lock = folder / "atelier.lock"
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
