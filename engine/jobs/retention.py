"""Retention: how long finished jobs are kept, and how much disk space they may take."""

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
from engine.sizes import size_of
from engine.store import RemovableJob, RetentionTable

log = logging.getLogger(__name__)

DAY = 24 * 3600.0
GIGABYTE = 10**9

BATCH = 200
"""Jobs that are removed in one transaction, so that others can write in between."""


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What a sweep has removed.

    Attributes:
        jobs: How many jobs.
        uploads: How many uploads that no job needs anymore.
    """

    jobs: int = 0
    uploads: int = 0


class Retention:
    """Removes the oldest finished jobs beyond what the settings keep.

    Favourites stay, and so do jobs whose outcome has not been shown. Without a limit in the
    settings all jobs stay. Uploads that nothing needs are removed in any case: otherwise a copy
    would outlive the pictures that its owner has deleted.

    Attributes:
        settings: What counts for the next sweep.
    """

    def __init__(
        self,
        settings: StorageSettings,
        retention_table: RetentionTable,
        pictures: OutputFolder,
        uploads: UploadFolder,
    ) -> None:
        self.settings = settings
        self._retention_table = retention_table
        self._pictures = pictures
        self._uploads = uploads

    async def daily(self) -> None:
        """Sweep now, and then once a day."""
        while True:
            try:
                swept = await self.sweep()
                log.info("Removed %d old jobs and %d unused uploads", swept.jobs, swept.uploads)
            except (StorageError, OSError) as error:
                log.warning("Not all old jobs could be removed: %s", error)
            await asyncio.sleep(DAY)

    async def sweep(self) -> SweepResult:
        """Remove jobs that are too old, then the oldest until the rest fits.

        Raises:
            StorageError: When the database can't be changed.
            OSError: When a file can't be removed.
        """
        jobs = 0
        if self.settings.keep_days is not None:
            before = time.time() - self.settings.keep_days * DAY
            jobs += await self._remove(await self._retention_table.older(before))
        if self.settings.keep_gb is not None:
            most = self.settings.keep_gb * GIGABYTE
            candidates = await self._retention_table.with_pictures()
            kept = await self._retention_table.files()
            jobs += await self._remove(
                await asyncio.to_thread(_oldest_beyond, most, kept, candidates)
            )
        return SweepResult(jobs, await self._remove_uploads())

    async def _remove(self, job_ids: Sequence[int]) -> int:
        for batch in _in_batches(job_ids):
            files = await self._retention_table.remove(batch)
            await asyncio.to_thread(self._pictures.delete, files)
        return len(job_ids)

    async def _remove_uploads(self) -> int:
        """Remove uploads that no job needs; one of the last day may be for a job to come."""
        return await asyncio.to_thread(
            self._uploads.delete_unused, await self._retention_table.uploads(), time.time() - DAY
        )


def _oldest_beyond(
    most: float, kept: Iterable[Path], candidates: Iterable[RemovableJob]
) -> list[int]:
    """The oldest of `candidates` without which the pictures of all jobs take at most `most` bytes.

    Only pictures of jobs count, not uploads or files that a crash left behind.
    """
    excess = size_of(kept) - most
    chosen = []
    for job_id, files in candidates:
        if excess <= 0:
            break
        excess -= size_of(files)
        chosen.append(job_id)
    return chosen


def _in_batches(job_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (job_ids[at : at + BATCH] for at in range(0, len(job_ids), BATCH))
