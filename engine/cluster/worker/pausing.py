"""When a worker leaves its machine to others: by command, while a program runs, or a busy card."""

import asyncio
import contextlib
import logging
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psutil

from engine.atomic_write import write_whole

log = logging.getLogger(__name__)

BUSY_CARD = "busy card"
"""In `pause_when`, what isn't the name of a program."""

LOOK_INTERVAL = 3.0
"""Seconds between two looks at what runs."""

BUSY, IDLE = 50, 20
"""Per cent of a card's time from which it counts as busy with something else, and idle again."""

LOOKS = 2
"""How often in a row a card has to be busy."""

FULL_SECONDS = 30.0
"""How long a worker whose disk is full takes no jobs."""


class PauseFile:
    """Whether the owner has paused the worker of this machine; it outlives a restart."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "paused.flag"  # no worker can have that name

    @property
    def is_set(self) -> bool:
        """Whether it is paused."""
        return self._file.exists()

    def set(self, paused: bool) -> None:
        """Pause, or paint again. Raises `OSError`."""
        if paused:
            write_whole(self._file, b"")
        else:
            self._file.unlink(missing_ok=True)


class Pausing:
    """Why the worker paints nothing now, if it doesn't."""

    def __init__(
        self,
        file: PauseFile,
        pause_when: Sequence[str],
        idle: Callable[[], bool],
        card_use: Callable[[], int | None] | None = None,
    ) -> None:
        """Take what pauses it.

        Args:
            file: Where the owner's word is kept.
            pause_when: Programs, and `BUSY_CARD`.
            idle: Whether this worker itself leaves the card alone: only then it is known how busy
                others keep it.
            card_use: Per cent of the card's time that is used; `None` if that can't be known.
        """
        self._file = file
        self._programs = {_bare(name): name for name in pause_when if name != BUSY_CARD}
        self._idle = idle
        self._card_use = card_use or nvidia_use
        self._watches_card = BUSY_CARD in pause_when
        self._busy_looks = 0
        self._full_until = 0.0
        self._seen: str | None = None

    @property
    def reason(self) -> str | None:
        """Why nothing is painted, in a word or two; `None` if it is."""
        if self._file.is_set:
            return "paused"
        if time.monotonic() < self._full_until:
            return "disk full"
        return self._seen

    def disk_full(self) -> None:
        """Files can't be saved: take nothing for a while."""
        self._full_until = time.monotonic() + FULL_SECONDS

    async def watch(self) -> None:
        """Look at what runs, until cancelled."""
        while True:
            self._seen = await asyncio.to_thread(self._look)
            await asyncio.sleep(LOOK_INTERVAL)

    def _look(self) -> str | None:
        for name in running_programs() if self._programs else ():
            if (found := self._programs.get(name)) is not None:
                return found
        return BUSY_CARD if self._watches_card and self._card_is_busy() else None

    def _card_is_busy(self) -> bool:
        if not self._idle():
            return False
        used = self._card_use()
        if used is None:
            log.warning("How busy the card is can't be known here: nvidia-smi doesn't say")
            self._watches_card = False
            return False
        if used >= BUSY:
            self._busy_looks += 1
        elif used < IDLE:
            self._busy_looks = 0
        return self._busy_looks >= LOOKS


def _bare(name: str) -> str:
    return name.casefold().removesuffix(".exe")


def running_programs() -> Iterable[str]:
    """The names of the processes of this machine, without .exe. Blocks for a moment."""
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            yield _bare(process.info["name"] or "")


def nvidia_use() -> int | None:
    """Per cent of its time that the busiest NVIDIA card was used lately; `None` if unknown."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    asked = [program, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True)
        return max(int(line) for line in done.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
