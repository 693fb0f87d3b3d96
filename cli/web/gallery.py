"""The gallery: pictures that everyone may see, and nothing else."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from cli.web.cached import Cached
from cli.web.sources import Picture, Sources
from engine import Job, UnknownJob, thumbnail

MAX_PICTURES = 24
"""Pictures that are shown."""

THUMBNAIL = 320
"""Pixels of the longer side."""

MAX_THUMBNAILS = 4 * MAX_PICTURES


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """A public picture: its job, and its index there."""

    job: Job
    number: int


class Gallery:
    """The newest public pictures. Only what is listed now can be fetched."""

    def __init__(self, sources: Sources) -> None:
        self._studio = sources.studio
        self._bot = sources.bot
        self._pictures: Cached[list[Picture]] = Cached(self._look, 10.0, [])
        self._thumbnails: OrderedDict[Path, bytes] = OrderedDict()
        self._lock = asyncio.Lock()

    async def rows(self) -> list[GalleryRow]:
        """The pictures of the newest jobs."""
        found = [
            GalleryRow(job, number)
            for job, numbers in await self._pictures.get()
            for number in numbers
        ]
        return found[:MAX_PICTURES]

    async def file(self, job_id: int, number: int) -> Path | None:
        """The file of a picture that is in the gallery now; `None` for any other."""
        for job, numbers in await self._pictures.get():
            if job.id == job_id and number in numbers:
                try:
                    await self._studio.job(job_id)
                except UnknownJob:  # it was deleted a moment ago
                    return None
                return job.pictures[number]
        return None

    async def thumbnail(self, file: Path) -> bytes | None:
        """A small WebP of a picture; `None` if its file is gone. One is made at a time."""
        async with self._lock:
            small = self._thumbnails.get(file) or await asyncio.to_thread(_thumbnail, file)
            if small is not None:
                self._thumbnails[file] = small
                self._thumbnails.move_to_end(file)
                if len(self._thumbnails) > MAX_THUMBNAILS:
                    self._thumbnails.popitem(last=False)
            return small

    async def _look(self) -> list[Picture]:
        return list(await self._bot.public_pictures(MAX_PICTURES))


def _thumbnail(file: Path) -> bytes | None:
    try:
        return thumbnail(file, THUMBNAIL, opaque=False)
    except (OSError, SyntaxError):
        return None
