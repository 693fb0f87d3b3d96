"""Python in processes of their own, which end in time, with all that they started."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, NamedTuple

import psutil

VARIABLES: Mapping[str, str] = {"PYTHONUTF8": "1", "COLUMNS": "120"}
"""Windows and pipes have other encodings, and tables of 80 columns."""

ENDING = 5.0
"""Seconds that what was told to end is waited for; what hangs in a driver is left to it."""


class Ended(NamedTuple):
    """What a process has left.

    Attributes:
        code: Its exit code; `None` if its time was up.
        output: What it printed.
        errors: The same on standard error.
    """

    code: int | None
    output: str
    errors: str


def run_python(
    words: Sequence[str], seconds: float, variables: Mapping[str, str] = VARIABLES
) -> Ended:
    """Run Python with the arguments `words`, for so long at most.

    What it prints goes to files: a pipe that some process still holds would never end.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, *words],
            env={**os.environ, **VARIABLES, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        code = None
        try:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(max(0.0, seconds))
        finally:
            if code is None:
                end(process.pid)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(ENDING)
        return Ended(code, _text(output), _text(errors))


def end(pid: int) -> None:
    """End a process and all that it started."""
    with suppress(psutil.Error):
        parent = psutil.Process(pid)
        parent.suspend()  # so that it starts nothing more
        _end([*parent.children(recursive=True), parent])


def end_children() -> None:
    """End all that this process started."""
    with suppress(psutil.Error):
        _end(psutil.Process().children(recursive=True))


def _end(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=ENDING)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace").replace("\r\n", "\n")
