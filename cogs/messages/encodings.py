"""Pictures as attachments: the original if it fits, else WebP of decreasing quality."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import discord

from engine import recoded

WEBP_QUALITIES = (95, 85, 70, 50)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to attach."""

    name: str
    data: bytes

    def file(self) -> discord.File:
        """A `discord.File` of it, which can be sent once."""
        return discord.File(BytesIO(self.data), filename=self.name)


def encodings(files: Sequence[Path], limit: int) -> Iterator[tuple[Upload, ...]]:
    """The pictures in ever smaller encodings, each at most `limit` bytes in total.

    The first is the original PNG; the others keep its metadata. Blocks: iterate in a thread.

    Raises:
        OSError: When a file is gone or can't be read.
    """
    originals = tuple(Upload(file.name, file.read_bytes()) for file in files)
    if total_bytes(originals) <= limit:
        yield originals
    for quality in WEBP_QUALITIES:
        smaller = tuple(_webp(file, quality) for file in files)
        if total_bytes(smaller) <= limit:
            yield smaller


def total_bytes(uploads: Sequence[Upload]) -> int:
    """What they take together."""
    return sum(len(upload.data) for upload in uploads)


def _webp(file: Path, quality: int) -> Upload:
    return Upload(file.with_suffix(".webp").name, recoded(file, "WEBP", quality))
