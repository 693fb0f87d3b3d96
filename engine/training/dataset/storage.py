"""Copies a dataset into the folder of a training, which then goes on if the source is gone."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image

from engine.atomic_write import write_whole
from engine.errors import StorageError
from engine.images.encoding import PictureMarks, encoded
from engine.private_files import private_folder
from engine.training.dataset.files import TABLES
from engine.training.dataset.looks import decoded, read_file
from engine.training.dataset.reading import Dataset, TrainingPicture
from speech import say

TABLE = TABLES[0]
"""The file with the captions of a copy."""

KEPT = {"JPEG": ".jpg", "WEBP": ".webp"}
"""Formats whose files are copied as they are where their plain pixels are the picture."""


def copy_dataset(dataset: Dataset, folder: Path) -> Dataset:
    """Copy pictures and captions to a new folder, completely or not at all. Blocks.

    `read_dataset` finds the same pictures, captions and repeats there.

    Args:
        dataset: What is copied.
        folder: Must not exist yet, or be empty.

    Returns:
        The copy.

    Raises:
        InvalidDataset: When a picture is gone or damaged.
        StorageError: When the disk is full or refuses.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        if partial.exists():  # left by a process that was killed
            shutil.rmtree(partial)
        private_folder(partial)
        copies = [
            _copied(picture, partial / f"{number:04}")
            for number, picture in enumerate(dataset.pictures, start=1)
        ]
        rows = ((copy.file.name, copy.caption, copy.repeats) for copy in copies)
        write_whole(partial / TABLE, table_of(rows))
        partial.rename(folder)
    except OSError as error:
        raise StorageError(
            say(
                "The pictures couldn't be copied to {folder}: {reason}.",
                folder=folder,
                reason=error.strerror,
            )
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    moved = (replace(copy, file=folder / copy.file.name) for copy in copies)
    return replace(dataset, pictures=tuple(moved))


def is_copied(dataset: Dataset, folder: Path) -> bool:
    """Whether a copy has as many pictures as the dataset, with the same captions. Blocks."""
    given = [(picture.caption, picture.repeats) for picture in dataset.pictures]
    try:
        lines = (folder / TABLE).read_text("utf-8").split("\n")
        rows = [json.loads(line) for line in lines if line]
        return given == [(row["text"], row["repeats"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _copied(picture: TrainingPicture, bare: Path) -> TrainingPicture:
    """Copy it to `bare` with a suffix."""
    data = read_file(picture.file)
    image = decoded(data, picture.file)
    suffix = _suffix_if_plain(data, image)
    if suffix is None:
        suffix, data = ".png", encoded(image, "PNG", PictureMarks())
    file = bare.with_suffix(suffix)
    write_whole(file, data)
    return replace(picture, file=file)


def _suffix_if_plain(data: bytes, image: Image.Image) -> str | None:
    """The suffix for the file if any program sees `image` in it; else `None`."""
    with Image.open(BytesIO(data)) as plain:
        suffix = KEPT.get(plain.format or "")
        if suffix is None or plain.mode != "RGB" or plain.size != image.size:
            return None
        return suffix if plain.tobytes() == image.tobytes() else None


def table_of(rows: Iterable[tuple[str, str, int]]) -> bytes:
    """A `TABLE` of file names, captions and repeats, as `read_dataset` reads it."""
    names = "file_name", "text", "repeats"
    lines = (json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()
