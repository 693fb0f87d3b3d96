"""Puts what a backup has in place of what a data folder has: all of it or nothing, in any case."""

import json
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from engine import StorageError, lock_folder
from engine.atomic_write import write_whole

STAGED, REPLACED, OBSOLETE = ".restore-", ".replaced-", ".obsolete-"
"""How the names of the folders begin that are in a data folder meanwhile: what is to come, what it
replaces, and that once all is in place. A number ends each name."""

PARTS = "parts.json"
"""The file beside what is replaced with the names of what is to come."""


class Swap:
    """The folder for what is to come, and the swap."""

    def __init__(self, folder: Path) -> None:
        """Take a data folder, which has to be locked."""
        number = secrets.token_hex(4)
        self.staged = folder / f"{STAGED}{number}"
        self._folder = folder
        self._replaced = folder / f"{REPLACED}{number}"
        self._obsolete = folder / f"{OBSOLETE}{number}"

    def carry_out(self, gone: Sequence[str], settings: tuple[Path, bytes] | None = None) -> None:
        """Move everything from `staged` into the data folder, and what is there aside.

        Args:
            gone: Names of what else there has to go.
            settings: A settings file, and what is written to it, if there is one.

        Raises:
            OSError: When it fails; everything is as it was then.
            StorageError: When it fails, and isn't as it was yet.
        """
        parts = sorted(each.name for each in self.staged.iterdir())
        try:
            write_whole(self._replaced / PARTS, json.dumps(parts).encode())
            for name in (*parts, *gone):
                _move(self._folder / name, self._replaced / name)
            for name in parts:
                _move(self.staged / name, self._folder / name)
            if settings:
                write_whole(*settings)
            self._replaced.rename(self._obsolete)
        except BaseException:  # also Ctrl-C
            finish_swaps(self._folder)
            raise

    def clean_up(self) -> None:
        """Delete what is no longer needed; what is to come is, to undo a swap."""
        if not self._replaced.exists():
            shutil.rmtree(self.staged, ignore_errors=True)
        shutil.rmtree(self._obsolete, ignore_errors=True)


def undo_interrupted(folder: Path) -> None:
    """Before somebody reads the data folder: undo a swap that was broken off, if there is one.

    Raises:
        StorageError: When it can't be undone, or isn't finished yet.
    """
    try:
        found = any(folder.glob(f"{REPLACED}*"))
    except (OSError, ValueError):
        return  # it can't be a data folder
    if found:
        with lock_folder(folder):
            finish_swaps(folder)


def finish_swaps(folder: Path) -> None:
    """Undo swaps that were broken off, as by a power failure, and delete what others left.

    The data folder has to be locked.

    Raises:
        StorageError: When something can't be moved back.
    """
    for replaced in folder.glob(f"{REPLACED}*"):
        try:
            if (replaced / PARTS).exists():  # or nothing was moved yet
                _undo(folder, replaced)
            shutil.rmtree(replaced)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else f"{PARTS} is damaged"
            raise StorageError(
                f"A restore was interrupted, and {folder} can't be put back as it was: {reason}. "
                f"Nothing is lost: what was there is in {replaced}."
            ) from error
    for pattern in (STAGED, OBSOLETE):
        for rest in folder.glob(f"{pattern}*"):
            shutil.rmtree(rest, ignore_errors=True)


def _undo(folder: Path, replaced: Path) -> None:
    staged = folder / replaced.name.replace(REPLACED, STAGED)
    for name in json.loads((replaced / PARTS).read_text()):
        if not os.path.lexists(staged / name):  # it is in place already
            _move(folder / name, staged / name)
    for each in replaced.iterdir():
        if each.name != PARTS:
            _move(each, folder / each.name)


def _move(source: Path, target: Path) -> None:
    """Move what is there; a link needn't lead anywhere."""
    if os.path.lexists(source):
        source.rename(target)
