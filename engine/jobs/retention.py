"""Retention: how long finished jobs are kept, and how much room they may take."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StorageError
from engine.images.output import OutputFolder
from engine.images.uploads import UploadFolder
from engine.settings import StorageSettings
from engine.store import RemovableJob, RetentionTable

log = logging.getLogger(__name__)

DAY = 24 * 3600.0
GIGABYTE = 10**9

BATCH = 200
"""Jobs that are removed in one transaction: others write in between."""


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What a sweep has removed.

    Attributes:
        jobs: How many jobs.
        uploads: How many pictures to start from that no job needs any more.
    """

    jobs: int = 0
    uploads: int = 0


class Retention:
    """Removes the oldest finished jobs beyond what the settings keep.

    Never favourites, never a job whose outcome has not been shown. Without a bound in the settings
    no job goes; pictures to start from go whatever the bounds are once nothing needs them, or a
    copy would outlive the pictures that its owner has deleted.
    """

    def __init__(
        self,
        settings: StorageSettings,
        retention_table: RetentionTable,
        pictures: OutputFolder,
        uploads: UploadFolder,
    ) -> None:
        self._settings = settings
        self._retention_table = retention_table
        self._pictures = pictures
        self._uploads = uploads

    async def daily(self) -> None:
        """Sweep now and then once a day."""
        while True:
            try:
                swept = await self.sweep()
                log.info("Retention removed %d jobs and %d uploads", swept.jobs, swept.uploads)
            except (StorageError, OSError) as error:
                log.warning("Retention could not remove everything: %s", error)
            await asyncio.sleep(DAY)

    async def sweep(self) -> SweepResult:
        """Remove what is too old, then the oldest until the rest fits.

        Raises:
            StorageError: When the database refuses.
            OSError: When a file cannot be removed.
        """
        jobs = 0
        if self._settings.keep_days is not None:
            before = time.time() - self._settings.keep_days * DAY
            jobs += await self._remove(await self._retention_table.older(before))
        if self._settings.keep_gb is not None:
            most = self._settings.keep_gb * GIGABYTE
            candidates = await self._retention_table.with_pictures()
            kept = await self._retention_table.files()
            jobs += await self._remove(await asyncio.to_thread(_beyond, most, kept, candidates))
        return SweepResult(jobs, await self._remove_uploads())

    async def _remove(self, job_ids: Sequence[int]) -> int:
        for some in _in_batches(job_ids):
            files = await self._retention_table.remove(some)
            await asyncio.to_thread(self._pictures.delete, files)
        return len(job_ids)

    async def _remove_uploads(self) -> int:
        """Remove the uploads of no job; one of the last day may belong to a job about to come."""
        return await asyncio.to_thread(
            self._uploads.delete_but, await self._retention_table.uploads(), time.time() - DAY
        )


def _beyond(most: float, kept: Iterable[Path], candidates: Iterable[RemovableJob]) -> list[int]:
    """The oldest of `candidates` without which the pictures of all jobs have at most `most` bytes.

    What no job has (an upload, a file that a crash left) costs no job its pictures.
    """
    excess = _size(kept) - most
    chosen = []
    for job_id, files in candidates:
        if excess <= 0:
            break
        excess -= _size(files)
        chosen.append(job_id)
    return chosen


def _in_batches(job_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (job_ids[at : at + BATCH] for at in range(0, len(job_ids), BATCH))


def _size(files: Iterable[Path]) -> int:
    return sum(map(_bytes, files))


def _bytes(file: Path) -> int:
    """The size of a file; none when somebody has just deleted it."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
