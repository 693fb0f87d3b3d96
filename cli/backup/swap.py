"""Puts what a backup has in place of what a data folder has: all of it or nothing, in any case."""

import json
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from engine.atomic_write import write_whole
from engine.local_paths import exists

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

    def carry_out(self, gone: Sequence[str], settings: tuple[Path, Path] | None = None) -> None:
        """Move everything from `staged` into the data folder, and what is there aside.

        Args:
            gone: Names of what else there has to go.
            settings: A settings file, and where it goes, if there is one.

        Raises:
            OSError: When it fails; everything is as it was then.
        """
        parts = sorted(each.name for each in self.staged.iterdir())
        write_whole(self._replaced / PARTS, json.dumps(parts).encode())
        try:
            for name in (*parts, *gone):
                _move(self._folder / name, self._replaced / name)
            for name in parts:
                _move(self.staged / name, self._folder / name)
            if settings:
                settings[0].replace(settings[1])
            self._replaced.rename(self._obsolete)
        except OSError:
            finish_swaps(self._folder)
            raise

    def clean_up(self) -> None:
        """Delete what is no longer needed."""
        for each in (self.staged, self._obsolete):
            shutil.rmtree(each, ignore_errors=True)


def finish_swaps(folder: Path) -> None:
    """Undo swaps that were broken off, as by a power failure, and delete what others left.

    The data folder has to be locked.

    Raises:
        OSError: When something can't be moved back.
    """
    for replaced in folder.glob(f"{REPLACED}*"):
        staged = folder / replaced.name.replace(REPLACED, STAGED)
        for name in json.loads((replaced / PARTS).read_text()) if exists(replaced / PARTS) else ():
            if not exists(staged / name):  # it is in place already
                _move(folder / name, staged / name)
        for each in replaced.iterdir():
            if each.name != PARTS:
                _move(each, folder / each.name)
        shutil.rmtree(replaced)
    for pattern in (STAGED, OBSOLETE):
        for rest in folder.glob(f"{pattern}*"):
            shutil.rmtree(rest, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    if exists(source):
        source.rename(target)
