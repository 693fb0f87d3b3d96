"""Which jobs the device is busy with, in a file that outlives a crash of the whole program.

Only they can be to blame for one: neither those that wait, nor those that take turns with them. The
executor writes the file itself before it begins, so that not even a crash at once is missed.
It isn't forced to the disk: a power failure is no job's fault.
"""

import contextlib
import json
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Self

from engine.private_files import private_folder

NAME, OTHERS = "painting.json", "painting-{number}.json"
"""The file in the data folder: of the first device, and of the others."""


class BlameFile:
    """The file with the numbers of these jobs; without a file nothing is recorded."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._written: frozenset[int] = frozenset()
        self._lock = threading.Lock()
        self._closed = False

    @classmethod
    def numbered(cls, folder: Path, number: int) -> Self:
        """The file of a device, by its number from 0."""
        return cls(folder / (OTHERS.format(number=number) if number else NAME))

    @classmethod
    def take_all(cls, folder: Path) -> list[int]:
        """The jobs that any device was busy with, whether it's still there or not."""
        files = sorted(folder.glob(OTHERS.format(number="*")))
        return [job_id for file in (folder / NAME, *files) for job_id in cls(file).take()]

    def take(self) -> list[int]:
        """The jobs that an earlier run of the program was busy with when it was stopped."""
        if self._file is None:
            return []
        try:
            numbers = json.loads(self._file.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        finally:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)
        if not isinstance(numbers, list):
            return []
        return [number for number in numbers if isinstance(number, int)]

    def record(self, job_ids: Collection[int]) -> None:
        """The device turns to these jobs; to none when it waits."""
        wanted = frozenset(job_ids)
        with self._lock:
            if self._file is None or self._closed or wanted == self._written:
                return
            self._written = wanted
            with contextlib.suppress(OSError):  # a full disk doesn't stop the painting
                if wanted:
                    private_folder(self._file.parent)
                    self._file.write_text(json.dumps(sorted(wanted)), "utf-8")
                else:
                    self._file.unlink(missing_ok=True)

    def close(self) -> None:
        """The program stops in order: nothing is to blame, whatever the thread is still doing."""
        with self._lock:
            self._closed = True
            if self._file is not None:
                with contextlib.suppress(OSError):
                    self._file.unlink(missing_ok=True)

    def __reduce__(self) -> tuple[type["BlameFile"], tuple[Path | None]]:
        """Another process gets an object of its own for the same file."""
        return BlameFile, (self._file,)
