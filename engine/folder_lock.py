"""The lock of a data folder: one program at a time works on it."""

from contextlib import AbstractContextManager
from pathlib import Path

from filelock import FileLock, Timeout

from engine.errors import StorageError
from engine.private_files import private_folder
from speech import say

NAME = "atelier.lock"


def lock_folder(folder: Path) -> AbstractContextManager[object]:
    """Lock the folder against other processes until the value is closed.

    Raises:
        StorageError: When another process uses it, or it can't be used.
    """
    try:
        private_folder(folder)
        return FileLock(folder / NAME, mode=0o600).acquire(timeout=0)
    except Timeout:
        raise StorageError(
            say("Another Atelier is already using the folder {folder}.", folder=folder)
        ) from None
    except OSError as error:
        raise StorageError(
            say(
                "The folder {folder} can't be used: {reason}.",
                folder=folder,
                reason=error.strerror,
            )
        ) from error
