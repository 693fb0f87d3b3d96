"""Looks at one picture of a dataset: whether it can be read, its size, and what it is like."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from engine.errors import InvalidRequest
from engine.images.colours import on_white
from engine.images.reading import FORMATS, read_picture
from engine.training.dataset.duplicates import Fingerprint, fingerprint
from engine.training.dataset.errors import InvalidDataset
from engine.training.dataset.names import shown
from speech import say

MAX_BYTES = 300_000_000
"""Of a picture's file; as TIFF, the largest picture that is read has so many."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a picture: its size upright, in pixels, and its fingerprint."""

    width: int
    height: int
    fingerprint: Fingerprint

    @property
    def shorter(self) -> int:
        """Pixels of its shorter side."""
        return min(self.width, self.height)


def look_at(file: Path) -> Look | None:
    """What is known of the picture in a file; `None` if it can't be read. Blocks."""
    try:
        image = decoded(read_file(file), file)
    except InvalidDataset:
        return None
    return Look(*image.size, fingerprint(image))


def read_file(file: Path) -> bytes:
    """The bytes of a picture's file. Raises `InvalidDataset`."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(file) from error
    if len(data) > MAX_BYTES:
        raise _unreadable(file)
    return data


def decoded(data: bytes, file: Path) -> Image.Image:
    """The picture in the bytes of `file`, upright, in RGB on white. Raises `InvalidDataset`."""
    try:
        return on_white(read_picture(data, formats=(*FORMATS, "TIFF")))
    except InvalidRequest as error:
        raise _unreadable(file) from error


def _unreadable(file: Path) -> InvalidDataset:
    return InvalidDataset(
        say("The picture {name} is gone, damaged or too large.", name=shown(file.name))
    )
