"""Files that only the program's own account can read: prompts, pictures and tokens are private."""

import contextlib
import os
from pathlib import Path

FILE, FOLDER = 0o600, 0o700


def private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing. One that exists stays as it is.

    Raises:
        OSError: When it can't be made.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        private_folder(folder.parent)
    folder.mkdir(mode=FOLDER, exist_ok=True)


def private_file(file: Path) -> None:
    """Make an empty file, or take an existing one from other accounts.

    Raises:
        OSError: When it can't be made.
    """
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, FILE))
    restrict(file)


def restrict(file: Path) -> None:
    """Take a file from other accounts, if it exists and the disk knows accounts."""
    with contextlib.suppress(OSError):
        file.chmod(FILE)
